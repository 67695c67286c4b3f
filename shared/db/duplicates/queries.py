"""Queries for insights: groups of copied reviews."""

from typing import Any, LiteralString

from shared.db.connection import Database

GroupPosition = tuple[int, str, int]
"""Number of reviews, kind and fingerprint of the last group of a page."""
_MAX_TEXT_CHARACTERS = 1000
_MAX_REVIEW_IDS = 20

_PAGE: LiteralString = f"""
SELECT g.kind, g.fingerprint, g.reviews, g.products, g.reviewers, g.first_day, g.last_day,
       sample.text, members.review_ids
FROM (
    SELECT * FROM duplicate_groups
    WHERE (%(kind)s::text IS NULL OR kind = %(kind)s::text)
      AND (%(product_id)s::text IS NULL OR product_ids @> ARRAY[%(product_id)s::text])
      AND (%(n)s::bigint IS NULL OR reviews < %(n)s::bigint
           OR (reviews = %(n)s::bigint
               AND (kind, fingerprint) > (%(last_kind)s::text, %(fingerprint)s::bigint)))
    ORDER BY reviews DESC, kind, fingerprint LIMIT %(limit)s
) AS g CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(review_id ORDER BY review_id), '{{}}') AS review_ids FROM (
        SELECT review_id FROM duplicate_members AS m
        WHERE g.kind = 'exact' AND m.fingerprint = g.fingerprint
        UNION ALL
        SELECT review_id FROM near_texts AS n JOIN duplicate_members AS m USING (fingerprint)
        WHERE g.kind = 'near' AND n.root = g.fingerprint
        LIMIT {_MAX_REVIEW_IDS}
    ) AS first_ones
) AS members LEFT JOIN LATERAL (
    SELECT left(text, {_MAX_TEXT_CHARACTERS}) AS text
    FROM reviews WHERE review_id = members.review_ids[1]
) AS sample ON true
ORDER BY g.reviews DESC, g.kind, g.fingerprint
"""  # noqa: S608 - constants of this module


class DuplicateQueries:
    """Reads groups of copied reviews."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(
        self, product_id: str | None, kind: str | None, limit: int, after: GroupPosition | None
    ) -> list[dict[str, Any]]:
        """A page of groups, most reviews first.

        Returns:
            kind, fingerprint, reviews, products, reviewers, first_day, last_day, text (the
            beginning of one review; None if it was deleted), review_ids (at most 20).
        """
        count, last_kind, fingerprint = after or (None, None, None)
        arguments = {
            "product_id": product_id,
            "kind": kind,
            "limit": limit,
            "n": count,
            "last_kind": last_kind,
            "fingerprint": fingerprint,
        }
        return self._database.fetch_dicts(_PAGE, arguments)
