"""Keeps aspects and duplicates current: takes up what the log of changes names, and no more.

Whoever writes readings, prints, analyses or categories leaves a line in ``text_changes``, in the
same transaction (triggers of migration 0004). A refresh takes some lines and counts those reviews
anew as they are now, in one transaction: what they counted for is taken off, what they count for
is added. So a count is always that of its rows, and nothing is counted twice or lost: a line that
is committed later waits for the next round.
"""

import logging
import time

from shared.db.aspect_counts import count_again
from shared.db.connection import Connection, Database
from shared.db.duplicate_groups import group_again

_LOG = logging.getLogger(__name__)
LOCK = 7_205_494
_CHUNK = 10_000
_LINES = 500


def refresh(database: Database, *, seconds: float = 60.0) -> bool:
    """Take up what waits. To be called after the writer's commit; doing it again does nothing.

    Who finds somebody else at it leaves it to them: they look again once they have let go of the
    lock, and then see what was committed before we asked for it.

    Args:
        database: where.
        seconds: begin no further round after so long.

    Returns:
        Whether nothing waits that was committed before the call, as far as we know: False where
        the time was up.

    Raises:
        UnavailableError: the database does not answer.
    """
    started, reviews = time.monotonic(), 0
    while is_behind(database):
        if time.monotonic() - started >= seconds:
            _LOG.warning("aspects and duplicates are behind after %.0f s", seconds)
            return False
        done = _round(database)
        if done is None:
            return True
        reviews += done
    if reviews:
        took = round(time.monotonic() - started, 3)
        _LOG.info("aspects and duplicates took up %d reviews", reviews, extra={"seconds": took})
    return True


def is_behind(database: Database) -> bool:
    """Whether something waits to be taken up."""
    with database.transaction() as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM text_changes)").fetchone()
    return bool(row and row[0])


def _round(database: Database) -> int | None:
    """Take up some lines: how many reviews they named; None where somebody else is at it."""
    with database.transaction() as connection:
        row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchone()
        if not (row and row[0]):
            return None
        # from here on every statement sees what the holder before us committed
        touched = _taken(connection)
        count_again(connection, touched)
        group_again(connection, touched)
        return len(touched)


def _taken(connection: Connection) -> list[str]:
    """The reviews that the oldest lines name, about as many as one transaction should change."""
    lines = connection.execute(
        "DELETE FROM text_changes WHERE change_id IN ("
        " SELECT change_id FROM ("
        "  SELECT change_id, sum(cardinality(review_ids)) OVER (ORDER BY change_id)"
        "         - cardinality(review_ids) AS before"
        "  FROM (SELECT * FROM text_changes ORDER BY change_id LIMIT %s) AS oldest"
        " ) AS counted WHERE before < %s"
        ") RETURNING review_ids, product_ids",
        (_LINES, _CHUNK),
    ).fetchall()
    reviews = {review_id for ids, _ in lines for review_id in ids}
    products = sorted({product_id for _, ids in lines for product_id in ids})
    if products:
        rows = connection.execute(
            "SELECT review_id FROM aspect_mentions WHERE product_id = ANY(%s) AND place = 0",
            (products,),
        )
        reviews.update(review_id for (review_id,) in rows)
    return sorted(reviews)
