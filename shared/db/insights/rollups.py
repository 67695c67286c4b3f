"""Keeps the figures of insights current: takes up what the log of changes names, and no more.

Whoever writes reviews, analyses or categories leaves a line in ``insight_changes``, in the same
transaction (triggers of migration 0003). A refresh takes some lines, looks at those reviews as they
are now, compares with ``review_facts``, which says how each was counted, and adds the differences
to all sums, in one transaction. So a sum is always that of its facts, and nothing is counted twice
or lost: a line that is committed later waits for the next round.
"""

from shared.db.backlog import Backlog
from shared.db.connection import Connection, Database
from shared.db.insights.product_changes import find_changes
from shared.db.insights.rollup_sql import EMPTIED, TAKE_UP

CONFIDENT = 0.71
"""Above it the shipped model is right in 95 of 100 cases (its evaluation, "abstain")."""
BIN_EDGES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Lower edges of the bins of confidence, but for the first."""
LOCK = 7_205_492
_CHUNK = 20_000
_LINES = 1_000


def refresh(database: Database, *, seconds: float = 60.0) -> bool:
    """Bring the figures up to date (Backlog.clear)."""
    return _BACKLOG.clear(database, seconds=seconds)


def is_behind(database: Database) -> bool:
    """Whether something waits to be taken up."""
    return _BACKLOG.is_behind(database)


def _take(connection: Connection) -> int:
    """Take up some lines or, where there are none, find changes of some products."""
    changes = _waiting(connection)
    if changes:
        return _take_up(connection, changes)
    find_changes(connection)
    return 0


def _waiting(connection: Connection) -> list[int]:
    """The oldest lines, of about as many reviews as one transaction should change."""
    chosen: list[int] = []
    reviews = 0
    lines = connection.execute(
        "SELECT change_id, reviews FROM insight_changes ORDER BY change_id LIMIT %s", (_LINES,)
    ).fetchall()
    for change_id, count in lines:
        if chosen and reviews + count > _CHUNK:
            break
        chosen.append(change_id)
        reviews += count
    return chosen


def _take_up(connection: Connection, changes: list[int]) -> int:
    row = connection.execute(
        TAKE_UP,
        {"changes": changes, "confident": CONFIDENT, "edges": list(BIN_EDGES)},
    ).fetchone()
    changed, moved = row or (0, 0)
    if moved:
        for statement in EMPTIED:
            connection.execute(statement)
    return int(changed)


_BACKLOG = Backlog(
    name="figures",
    lock=LOCK,
    waits="SELECT EXISTS (SELECT FROM insight_changes)"
    " OR EXISTS (SELECT FROM product_totals WHERE stale)",
    take=_take,
)
