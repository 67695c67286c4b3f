"""A cascade: a second, more accurate model decides the texts that the first is not sure of.

The second model gives only sentiments; embeddings and logits of tokens are those of the first.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from shared.errors import ReviewlensError
from shared.runtime.decisions import Decided, decide_each
from shared.schemas.decisions import Decisions, Kind
from shared.storage.refresh import RefreshTimer

_RETRY_SECONDS = 60.0


class SentimentModel(Protocol):
    """The part of an opened model that gives sentiments."""

    @property
    def version(self) -> str:
        """The model version."""

    @property
    def decisions(self) -> Decisions:
        """Its rules for labels."""

    def encode(self, texts: Sequence[str]) -> Any:
        """Encode texts, in order; the result has ``probabilities`` (n, 3)."""


class Answers(NamedTuple):
    """Decisions for n texts, and for each whether the second model made it."""

    decided: Decided
    by_second: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cascade:
    """The second model, and the confidence below which it is asked.

    ``below`` None: it is asked where the rules of the first model say that it is not sure.
    """

    model: SentimentModel
    below: float | None = None

    def is_asked(self, first: Decided) -> npt.NDArray[np.bool_]:
        """For each decision of the first model, whether it is too unsure to be the answer."""
        if self.below is None:
            return ~first.sure
        return np.asarray(first.confidences < np.float32(self.below))

    def answer(
        self, texts: Sequence[str], kinds: Sequence[Kind], first: Decided, readable: Sequence[bool]
    ) -> Answers:
        """Replace the unsure decisions of the first model by those of the second.

        Args:
            texts: n texts.
            kinds: of the texts.
            first: decisions of the first model.
            readable: whether the first model understands a text; the second is asked only then.
        """
        asked = self.is_asked(first) & np.asarray(readable, np.bool_)
        rows = [row for row, each in enumerate(asked) if each]
        if not rows:
            return Answers(first, asked)
        encoded = self.model.encode([texts[row] for row in rows])
        second = decide_each(
            self.model.decisions, [kinds[row] for row in rows], encoded.probabilities
        )

        def merge(name: str) -> Any:
            values = getattr(first, name).copy()
            values[rows] = getattr(second, name)
            return values

        names = ("probabilities", "labels", "confidences", "sure")
        return Answers(Decided(*map(merge, names)), asked)


class SecondModel:
    """The second model that settings name, opened on first use.

    While it cannot be used, ``problem`` says why, and the first model answers alone; it is tried
    again after a minute.
    """

    def __init__(
        self, version: str, below: float | None, open_model: Callable[[], SentimentModel]
    ) -> None:
        self._version, self._below, self._open = version, below, open_model
        self._lock = threading.Lock()
        self._timer = RefreshTimer(_RETRY_SECONDS)
        self._cascade: Cascade | None = None
        self.problem: str | None = f"the second model {version} is being loaded"

    def cascade(self, *, wait: bool = False) -> Cascade | None:
        """The cascade with the second model; None while it cannot be used.

        Args:
            wait: for another call that is opening it.
        """
        if self._cascade is None and self._timer.is_due and self._lock.acquire(blocking=wait):
            try:
                if self._cascade is None and self._timer.is_due:
                    self._load()
            finally:
                self._lock.release()
        return self._cascade

    def _load(self) -> None:
        try:
            self._cascade = Cascade(self._open(), self._below)
            self.problem = None
        except ReviewlensError as error:
            self.problem = f"the second model {self._version} cannot be used: {error.message}"
            self._timer.restart()
