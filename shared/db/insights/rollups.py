"""Keeps the figures of insights up to date by processing a log of changes.

Every write of reviews, analyses or categories adds a row to ``insight_changes`` in the same
transaction (triggers of migration 0003). A refresh takes some of these rows, compares the current
state of their reviews with ``review_facts``, which records how each review was counted, and adds
the differences to all sums, in one transaction. So sums always match the facts, and nothing is
counted twice or lost: a change that is committed later waits for the next round.
"""

from shared.db.backlog import Backlog
from shared.db.connection import Connection, Database
from shared.db.insights.product_changes import update_changes
from shared.db.insights.rollup_sql import APPLY_CHANGES, DELETE_EMPTY
from shared.schemas.decisions import DEFAULT_SURE_ABOVE
from shared.schemas.sentiment import HIGH_STARS, LOW_STARS

CONFIDENCE_BIN_EDGES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Lower edges of the confidence bins, except the first."""
LOCK = 7_205_492
_REVIEWS_PER_ROUND = 20_000
_CHANGES_PER_ROUND = 1_000


def refresh(database: Database, *, seconds: float = 60.0) -> bool:
    """Bring the figures up to date (Backlog.clear)."""
    return _BACKLOG.clear(database, seconds=seconds)


def is_behind(database: Database) -> bool:
    """Whether changes are pending."""
    return _BACKLOG.is_behind(database)


def _process(connection: Connection) -> int:
    """Apply some changes or, if there are none, update the change points of some products."""
    changes = _oldest_changes(connection)
    if changes:
        return _apply(connection, changes)
    update_changes(connection)
    return 0


def _oldest_changes(connection: Connection) -> list[int]:
    """The oldest changes, as many as fit in one transaction."""
    changes: list[int] = []
    reviews = 0
    rows = connection.execute(
        "SELECT change_id, reviews FROM insight_changes ORDER BY change_id LIMIT %s",
        (_CHANGES_PER_ROUND,),
    ).fetchall()
    for change_id, count in rows:
        if changes and reviews + count > _REVIEWS_PER_ROUND:
            break
        changes.append(change_id)
        reviews += count
    return changes


def _apply(connection: Connection, changes: list[int]) -> int:
    row = connection.execute(
        APPLY_CHANGES,
        {
            "changes": changes,
            "confident": DEFAULT_SURE_ABOVE,
            "high": HIGH_STARS,
            "low": LOW_STARS,
            "edges": list(CONFIDENCE_BIN_EDGES),
        },
    ).fetchone()
    changed, moved = row or (0, 0)
    if moved:
        for statement in DELETE_EMPTY:
            connection.execute(statement)
    return int(changed)


_BACKLOG = Backlog(
    name="figures",
    lock=LOCK,
    pending="SELECT EXISTS (SELECT FROM insight_changes)"
    " OR EXISTS (SELECT FROM product_totals WHERE stale)",
    process=_process,
)
