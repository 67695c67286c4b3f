"""Keeps aspects and duplicates current: takes up what the log of changes names, and no more.

Whoever writes readings, prints, analyses or categories leaves a line in ``text_changes``, in the
same transaction (triggers of migration 0004). A refresh takes some lines and counts those reviews
anew as they are now, in one transaction: what they counted for is taken off, what they count for
is added. So a count is always that of its rows, and nothing is counted twice or lost: a line that
is committed later waits for the next round.
"""

from shared.db.aspects.counts import count_again
from shared.db.backlog import Backlog
from shared.db.connection import Connection, Database
from shared.db.duplicates.groups import group_again

LOCK = 7_205_494
_CHUNK = 10_000
_LINES = 500


def refresh(database: Database, *, seconds: float = 60.0) -> bool:
    """Bring aspects and duplicates up to date (Backlog.clear)."""
    return _BACKLOG.clear(database, seconds=seconds)


def is_behind(database: Database) -> bool:
    """Whether something waits to be taken up."""
    return _BACKLOG.is_behind(database)


def _take(connection: Connection) -> int:
    """Take up some lines; gives how many reviews they named."""
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


_BACKLOG = Backlog(
    name="aspects and duplicates",
    lock=LOCK,
    waits="SELECT EXISTS (SELECT FROM text_changes)",
    take=_take,
)
