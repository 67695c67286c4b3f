"""Updates the first day, the last day and the change point of products."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from shared.db.connection import Connection
from shared.statistics.change_points import MIN_REVIEWS_PER_SIDE, ChangePoint, DayCount, find_change

_PRODUCTS_PER_ROUND = 500

_UPDATE_DAY_RANGES = """
UPDATE product_totals AS t SET stale = false, first_day = s.first_day, last_day = s.last_day,
    change_day = NULL, change_seen = NULL, reviews_before = NULL, negative_before = NULL,
    reviews_after = NULL, negative_after = NULL, p_value = NULL
FROM (
    SELECT c.product_id, min(d.day) AS first_day, max(d.day) AS last_day
    FROM unnest(%s::text[]) AS c (product_id)
    LEFT JOIN product_days AS d ON d.product_id = c.product_id AND d.day > '-infinity'
    GROUP BY c.product_id
) AS s
WHERE t.product_id = s.product_id
RETURNING t.product_id, t.analysed
"""

_SELECT_DAYS = """
SELECT product_id, day, sum(negative + neutral + positive)::bigint, sum(negative)::bigint
FROM product_days WHERE product_id = ANY(%s) AND day > '-infinity'
GROUP BY product_id, day ORDER BY product_id, day
"""

_UPDATE_CHANGES = """
UPDATE product_totals AS t
SET change_day = c.day, change_seen = c.seen, reviews_before = c.n_0, negative_before = c.k_0,
    reviews_after = c.n_1, negative_after = c.k_1, p_value = c.p
FROM unnest(%s::text[], %s::date[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[],
            %s::bigint[], %s::float8[]) AS c (product_id, day, seen, n_0, k_0, n_1, k_1, p)
WHERE t.product_id = c.product_id
"""


def update_changes(connection: Connection) -> int:
    """Update some products whose days changed.

    Args:
        connection: the transaction; the caller holds the lock of a refresh, and commits.

    Returns:
        The number of updated products; 0 if there are none left.
    """
    rows = connection.execute(
        "SELECT product_id FROM product_totals WHERE stale ORDER BY product_id LIMIT %s",
        (_PRODUCTS_PER_ROUND,),
    ).fetchall()
    if not rows:
        return 0
    ranges = connection.execute(
        _UPDATE_DAY_RANGES, ([product_id for (product_id,) in rows],)
    ).fetchall()
    testable = [
        product_id for product_id, analysed in ranges if analysed >= 2 * MIN_REVIEWS_PER_SIDE
    ]
    if testable:
        days = connection.execute(_SELECT_DAYS, (testable,)).fetchall()
        _write_changes(connection, list(_find_changes(days)))
    return len(rows)


def _find_changes(days: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, ChangePoint]]:
    for product_id, rows in groupby(days, key=itemgetter(0)):
        change = find_change([DayCount(*row[1:]) for row in rows])
        if change is not None:
            yield product_id, change


def _write_changes(connection: Connection, changes: list[tuple[str, ChangePoint]]) -> None:
    connection.execute(
        _UPDATE_CHANGES,
        (
            [product_id for product_id, _ in changes],
            [change.day for _, change in changes],
            [change.first_seen for _, change in changes],
            [change.reviews_before for _, change in changes],
            [change.negative_before for _, change in changes],
            [change.reviews_after for _, change in changes],
            [change.negative_after for _, change in changes],
            [change.p_value for _, change in changes],
        ),
    )
