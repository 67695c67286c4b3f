"""Keeps aspects and duplicates up to date by processing a log of changes.

Every write of readings, prints, analyses or categories adds a row to ``text_changes`` in the same
transaction (triggers of migration 0004). A refresh takes some of these rows and recounts their
reviews in one transaction: it subtracts their previous counts and adds the current ones. So counts
always match the rows, and nothing is counted twice or lost: a change that is committed later waits
for the next round.
"""

from shared.db.aspects.counts import recount
from shared.db.backlog import Backlog
from shared.db.connection import Connection, Database
from shared.db.duplicates.groups import regroup

LOCK = 7_205_494
_REVIEWS_PER_ROUND = 10_000
_CHANGES_PER_ROUND = 500


def refresh(database: Database, *, seconds: float = 60.0) -> bool:
    """Bring aspects and duplicates up to date (Backlog.clear)."""
    return _BACKLOG.clear(database, seconds=seconds)


def is_behind(database: Database) -> bool:
    """Whether changes are pending."""
    return _BACKLOG.is_behind(database)


def _process(connection: Connection) -> int:
    """Process some changes and return the number of reviews."""
    review_ids = _take_changes(connection)
    recount(connection, review_ids)
    regroup(connection, review_ids)
    return len(review_ids)


def _take_changes(connection: Connection) -> list[str]:
    """Delete the oldest changes and return their reviews, as many as fit in one transaction."""
    changes = connection.execute(
        "DELETE FROM text_changes WHERE change_id IN ("
        " SELECT change_id FROM ("
        "  SELECT change_id, sum(cardinality(review_ids)) OVER (ORDER BY change_id)"
        "         - cardinality(review_ids) AS before"
        "  FROM (SELECT * FROM text_changes ORDER BY change_id LIMIT %s) AS oldest"
        " ) AS counted WHERE before < %s"
        ") RETURNING review_ids, product_ids",
        (_CHANGES_PER_ROUND, _REVIEWS_PER_ROUND),
    ).fetchall()
    review_ids = {review_id for ids, _ in changes for review_id in ids}
    product_ids = sorted({product_id for _, ids in changes for product_id in ids})
    if product_ids:
        rows = connection.execute(
            "SELECT review_id FROM aspect_mentions WHERE product_id = ANY(%s) AND place = 0",
            (product_ids,),
        )
        review_ids.update(review_id for (review_id,) in rows)
    return sorted(review_ids)


_BACKLOG = Backlog(
    name="aspects and duplicates",
    lock=LOCK,
    pending="SELECT EXISTS (SELECT FROM text_changes)",
    process=_process,
)
