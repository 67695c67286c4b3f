"""Groups of copied reviews: the same text, or nearly the same.

A group of kind ``exact`` has one fingerprint. Texts that are alike are joined in ``near_texts``: as
a text comes, it is compared with those that share a band with it, and whatever it is like gets one
root; a group of kind ``near`` is what has one root, and more than one text.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import LiteralString

from shared.db.connection import Connection
from shared.duplicates.similarity import MIN_NEAR_COPY_SIMILARITY, similarity

_COMPARED = 10
"""Texts that a new one is compared with, at most: those with most bands in common."""

_GONE: LiteralString = (
    "DELETE FROM duplicate_members WHERE review_id = ANY(%s) RETURNING fingerprint"
)
_CAME: LiteralString = """
INSERT INTO duplicate_members (review_id, fingerprint)
SELECT review_id, fingerprint FROM text_prints WHERE review_id = ANY(%s) ORDER BY review_id
RETURNING fingerprint
"""
_FORGET: LiteralString = """
DELETE FROM near_texts AS n WHERE fingerprint = ANY(%s)
    AND NOT EXISTS (SELECT FROM duplicate_members WHERE fingerprint = n.fingerprint)
RETURNING root
"""
_KNOW: LiteralString = """
INSERT INTO near_texts (fingerprint, root, bands)
SELECT DISTINCT ON (fingerprint) fingerprint, fingerprint, bands
FROM text_prints WHERE review_id = ANY(%s) AND bands <> '{}'
ORDER BY fingerprint
ON CONFLICT (fingerprint) DO NOTHING RETURNING fingerprint
"""
_CANDIDATES: LiteralString = """
SELECT fresh.fingerprint, other.fingerprint, other.text FROM near_texts AS fresh
CROSS JOIN LATERAL (
    SELECT n.fingerprint, (
        SELECT count(*) FROM unnest(n.bands) AS band WHERE band = ANY(fresh.bands)
    ) AS shared
    FROM near_texts AS n WHERE n.bands && fresh.bands AND n.fingerprint <> fresh.fingerprint
    ORDER BY shared DESC, n.fingerprint LIMIT %(most)s
) AS likely
CROSS JOIN LATERAL (
    SELECT likely.fingerprint, r.text
    FROM duplicate_members AS m JOIN reviews AS r USING (review_id)
    WHERE m.fingerprint = likely.fingerprint LIMIT 1
) AS other
WHERE fresh.fingerprint = ANY(%(fresh)s)
"""
_TEXTS: LiteralString = """
SELECT fingerprint, text FROM unnest(%s::bigint[]) AS f (fingerprint) CROSS JOIN LATERAL (
    SELECT r.text FROM duplicate_members AS m JOIN reviews AS r USING (review_id)
    WHERE m.fingerprint = f.fingerprint LIMIT 1
) AS sample
"""
_JOIN: LiteralString = """
WITH roots AS (SELECT DISTINCT root FROM near_texts WHERE fingerprint = ANY(%s))
UPDATE near_texts SET root = (SELECT min(root) FROM roots) WHERE root IN (SELECT root FROM roots)
RETURNING root
"""
_ROOTS: LiteralString = "SELECT DISTINCT root FROM near_texts WHERE fingerprint = ANY(%s)"

_FACTS: LiteralString = """
       count(*), count(DISTINCT r.reviewer_key), count(DISTINCT r.product_id),
       coalesce(array_agg(DISTINCT r.product_id) FILTER (WHERE r.product_id IS NOT NULL), '{}'),
       min((r.reviewed_at AT TIME ZONE 'UTC')::date), max((r.reviewed_at AT TIME ZONE 'UTC')::date)
"""
_EXACT: LiteralString = f"""
INSERT INTO duplicate_groups
    (kind, fingerprint, reviews, reviewers, products, product_ids, first_day, last_day)
SELECT 'exact', m.fingerprint, {_FACTS}
FROM duplicate_members AS m JOIN reviews AS r USING (review_id)
WHERE m.fingerprint = ANY(%s) GROUP BY m.fingerprint HAVING count(*) > 1
"""  # noqa: S608 - constants of this module
_NEAR: LiteralString = f"""
INSERT INTO duplicate_groups
    (kind, fingerprint, reviews, reviewers, products, product_ids, first_day, last_day)
SELECT 'near', n.root, {_FACTS}
FROM near_texts AS n JOIN duplicate_members AS m USING (fingerprint)
JOIN reviews AS r USING (review_id)
WHERE n.root = ANY(%s) GROUP BY n.root HAVING count(DISTINCT m.fingerprint) > 1
"""  # noqa: S608 - as above
_DROP: LiteralString = "DELETE FROM duplicate_groups WHERE kind = %s AND fingerprint = ANY(%s)"


def group_again(connection: Connection, review_ids: Sequence[str]) -> None:
    """Group reviews as they are now; the caller has the lock of a refresh."""
    touched = list(review_ids)
    before = _firsts(connection, _GONE, touched)
    dirty = before | _firsts(connection, _CAME, touched)
    roots = _firsts(connection, _ROOTS, list(dirty)) | _firsts(connection, _FORGET, list(dirty))
    fresh = _firsts(connection, _KNOW, touched)
    for alike in _alike(connection, sorted(fresh)):
        roots |= _firsts(connection, _ROOTS, alike) | _firsts(connection, _JOIN, alike)
    roots |= _firsts(connection, _ROOTS, list(dirty))
    for kind, keys, fill in (("exact", dirty, _EXACT), ("near", roots, _NEAR)):
        connection.execute(_DROP, (kind, list(keys)))
        connection.execute(fill, (list(keys),))


def _firsts(connection: Connection, query: LiteralString, keys: Iterable[object]) -> set[int]:
    return {row[0] for row in connection.execute(query, (list(keys),))}


def _alike(connection: Connection, fresh: list[int]) -> list[list[int]]:
    """Lists of texts that are alike, each with one of the fresh ones."""
    if not fresh:
        return []
    texts: dict[int, str] = dict(connection.execute(_TEXTS, (fresh,)).fetchall())
    found: dict[int, list[int]] = defaultdict(list)
    rows = connection.execute(_CANDIDATES, {"fresh": fresh, "most": _COMPARED}).fetchall()
    for one, other, text in rows:
        if one in texts and similarity(texts[one], text) >= MIN_NEAR_COPY_SIMILARITY:
            found[one].append(other)
    return [[one, *others] for one, others in sorted(found.items())]
