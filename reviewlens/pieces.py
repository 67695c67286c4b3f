"""An answer whose list was too long for one response: its pieces are requested and joined."""

from dataclasses import replace
from typing import Any, Generic

from reviewlens.calls import AnswerT, Call
from reviewlens.errors import InvalidAnswerError


class Pieces(Generic[AnswerT]):
    """Joins the pieces of one answer."""

    def __init__(self, call: Call[AnswerT]) -> None:
        self._call = call
        self._entries: list[Any] = []
        self._cursor: str | None = None

    def add(self, answer: AnswerT) -> Call[AnswerT] | None:
        """Append a piece.

        Returns:
            The call for the next one; None: the list is complete.

        Raises:
            InvalidAnswerError: the piece that was just read follows itself.
        """
        if self._call.listed is None:
            return None
        self._entries += getattr(answer, self._call.listed)
        cursor = getattr(answer, "next_cursor", None)
        if cursor is not None and cursor == self._cursor:
            raise InvalidAnswerError(f"{self._call.name}: the same page follows itself")
        self._cursor = cursor
        most = self._call.most
        if cursor is None or (most is not None and len(self._entries) >= most):
            return None
        return self._following(cursor)

    def _following(self, cursor: str) -> Call[AnswerT]:
        call = self._call
        if call.body is not None:
            return replace(call, body={**call.body, "cursor": cursor})
        if call.most is not None:
            return call.with_query(cursor=cursor, limit=call.most - len(self._entries))
        return call.with_query(cursor=cursor)

    def joined(self, last: AnswerT) -> AnswerT:
        """The last piece, with the entries of all."""
        if self._call.listed is None:
            return last
        return last.model_copy(update={self._call.listed: self._entries})
