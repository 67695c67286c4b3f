"""Takes up what a log of changes names, round by round, with one worker at a time."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import LiteralString

from shared.db.connection import Connection, Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Changes that wait to be taken up.

    Attributes:
        name: what is kept current, for the log.
        lock: of whoever works on it (an advisory lock, held for one transaction).
        waits: a query whose only value tells whether something waits.
        take: takes up some of it within a transaction; gives how many reviews that were.
    """

    name: str
    lock: int
    waits: LiteralString
    take: Callable[[Connection], int]

    def is_behind(self, database: Database) -> bool:
        """Whether something waits to be taken up."""
        with database.transaction() as connection:
            row = connection.execute(self.waits).fetchone()
        return bool(row and row[0])

    def clear(self, database: Database, *, seconds: float) -> bool:
        """Take up what waits. To be called after the writer's commit; again, it does nothing.

        Who finds somebody else at it leaves it to them: they look again once they have let go of
        the lock, and then see what was committed before we asked for it.

        Args:
            database: where.
            seconds: begin no further round after so long.

        Returns:
            Whether nothing waits that was committed before the call, as far as we know: False
            where the time was up.

        Raises:
            UnavailableError: the database does not answer.
        """
        started, reviews = time.monotonic(), 0
        while self.is_behind(database):
            if time.monotonic() - started >= seconds:
                log.warning("%s: behind after %.0f s", self.name, seconds)
                return False
            done = self._round(database)
            if done is None:
                return True
            reviews += done
        if reviews:
            took = round(time.monotonic() - started, 3)
            log.info("%s: took up %d reviews", self.name, reviews, extra={"seconds": took})
        return True

    def _round(self, database: Database) -> int | None:
        """How many reviews were taken up; None where somebody else is at it."""
        with database.transaction() as connection:
            row = connection.execute(
                "SELECT pg_try_advisory_xact_lock(%s)", (self.lock,)
            ).fetchone()
            if not (row and row[0]):
                return None
            # from here on every statement sees what the holder before us committed
            return self.take(connection)
