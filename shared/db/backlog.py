"""Processes a log of changes in rounds, with one worker at a time."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import LiteralString

from shared.db.connection import Connection, Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """A log of changes that must still be processed.

    Attributes:
        name: name of the derived data, for log lines.
        lock: key of the advisory lock that a worker holds for one transaction.
        pending: query with one value: whether changes are pending.
        process: processes some changes in a transaction and returns the number of reviews.
    """

    name: str
    lock: int
    pending: LiteralString
    process: Callable[[Connection], int]

    def is_behind(self, database: Database) -> bool:
        """Whether changes are pending."""
        with database.transaction() as connection:
            row = connection.execute(self.pending).fetchone()
        return bool(row and row[0])

    def clear(self, database: Database, *, seconds: float) -> bool:
        """Process pending changes; call this after the commit that logged them.

        If another worker holds the lock, the changes are left to it: after releasing the lock, it
        looks again and sees everything that was committed before this call.

        Args:
            database: the database.
            seconds: start no further round after this time.

        Returns:
            Whether everything committed before the call is processed, here or by the other worker;
            False if the time ran out.

        Raises:
            UnavailableError: the database does not answer.
        """
        started, reviews = time.monotonic(), 0
        while self.is_behind(database):
            if time.monotonic() - started >= seconds:
                log.warning("%s: not up to date after %.0f s", self.name, seconds)
                return False
            processed = self._process_round(database)
            if processed is None:
                return True
            reviews += processed
        if reviews:
            elapsed = round(time.monotonic() - started, 3)
            log.info("%s: %d reviews updated", self.name, reviews, extra={"seconds": elapsed})
        return True

    def _process_round(self, database: Database) -> int | None:
        """Return the number of processed reviews; None if another worker holds the lock."""
        with database.transaction() as connection:
            row = connection.execute(
                "SELECT pg_try_advisory_xact_lock(%s)", (self.lock,)
            ).fetchone()
            if not (row and row[0]):
                return None
            # from here on every statement sees what the previous holder committed
            return self.process(connection)
