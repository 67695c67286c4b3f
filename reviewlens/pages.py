"""Answers in pages: iterate over the items, over the pages, or request one page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic

from reviewlens.calls import Call, ItemT, PagedCall, PageT, Position
from reviewlens.errors import InvalidAnswerError


class Pages(Generic[PageT, ItemT]):
    """Iterates over items; each page is requested when its first item is needed."""

    def __init__(
        self, paged: PagedCall[PageT, ItemT], send: Callable[[Call[PageT]], PageT]
    ) -> None:
        self._paged = paged
        self._send = send

    def page(self, position: Position | None = None) -> PageT:
        """One page.

        Args:
            position: ``next_cursor`` (or ``next_after``) of the page before; None: the first page.
        """
        return self._send(self._paged.at(position))

    def pages(self) -> Iterator[PageT]:
        """All pages in their order."""
        position: Position | None = None
        while True:
            page = self.page(position)
            yield page
            position = _following(self._paged, page, position)
            if position is None:
                return

    def __iter__(self) -> Iterator[ItemT]:
        for page in self.pages():
            yield from self._paged.items(page)


class AsyncPages(Generic[PageT, ItemT]):
    """As Pages, for ``async for`` and ``await``."""

    def __init__(
        self, paged: PagedCall[PageT, ItemT], send: Callable[[Call[PageT]], Awaitable[PageT]]
    ) -> None:
        self._paged = paged
        self._send = send

    async def page(self, position: Position | None = None) -> PageT:
        """One page; see Pages.page."""
        return await self._send(self._paged.at(position))

    async def pages(self) -> AsyncIterator[PageT]:
        """All pages in their order."""
        position: Position | None = None
        while True:
            page = await self.page(position)
            yield page
            position = _following(self._paged, page, position)
            if position is None:
                return

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        async for page in self.pages():
            for item in self._paged.items(page):
                yield item


def _following(
    paged: PagedCall[PageT, ItemT], page: PageT, position: Position | None
) -> Position | None:
    """Where the next page begins.

    Raises:
        InvalidAnswerError: it is the page that was just read: iteration would never end.
    """
    following = paged.following(page)
    if following is not None and following == position:
        raise InvalidAnswerError(f"{paged.call.name}: the same page follows itself")
    return following
