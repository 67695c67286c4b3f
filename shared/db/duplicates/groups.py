"""Groups of copied reviews, with equal or nearly equal texts.

The reviews of an ``exact`` group have the same fingerprint. Similar texts are linked in
``near_texts``: a new text is compared with texts that have a band in common with it, and similar
texts get the same root. A ``near`` group is all texts with one root, if there are several.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import LiteralString

from shared.db.connection import Connection
from shared.duplicates.similarity import MIN_NEAR_COPY_SIMILARITY, similarity

_MAX_COMPARISONS = 10
"""A new text is only compared with the texts that have the most bands in common with it."""

_DELETE_MEMBERS: LiteralString = (
    "DELETE FROM duplicate_members WHERE review_id = ANY(%s) RETURNING fingerprint"
)
_INSERT_MEMBERS: LiteralString = """
INSERT INTO duplicate_members (review_id, fingerprint)
SELECT review_id, fingerprint FROM text_prints WHERE review_id = ANY(%s) ORDER BY review_id
RETURNING fingerprint
"""
_DELETE_TEXTS: LiteralString = """
DELETE FROM near_texts AS n WHERE fingerprint = ANY(%s)
    AND NOT EXISTS (SELECT FROM duplicate_members WHERE fingerprint = n.fingerprint)
RETURNING root
"""
_INSERT_TEXTS: LiteralString = """
INSERT INTO near_texts (fingerprint, root, bands)
SELECT DISTINCT ON (fingerprint) fingerprint, fingerprint, bands
FROM text_prints WHERE review_id = ANY(%s) AND bands <> '{}'
ORDER BY fingerprint
ON CONFLICT (fingerprint) DO NOTHING RETURNING fingerprint
"""
_CANDIDATES: LiteralString = """
SELECT new_text.fingerprint, other.fingerprint, other.text FROM near_texts AS new_text
CROSS JOIN LATERAL (
    SELECT n.fingerprint, (
        SELECT count(*) FROM unnest(n.bands) AS band WHERE band = ANY(new_text.bands)
    ) AS shared
    FROM near_texts AS n WHERE n.bands && new_text.bands AND n.fingerprint <> new_text.fingerprint
    ORDER BY shared DESC, n.fingerprint LIMIT %(limit)s
) AS candidate
CROSS JOIN LATERAL (
    SELECT candidate.fingerprint, r.text
    FROM duplicate_members AS m JOIN reviews AS r USING (review_id)
    WHERE m.fingerprint = candidate.fingerprint LIMIT 1
) AS other
WHERE new_text.fingerprint = ANY(%(new)s)
"""
_TEXTS: LiteralString = """
SELECT fingerprint, text FROM unnest(%s::bigint[]) AS f (fingerprint) CROSS JOIN LATERAL (
    SELECT r.text FROM duplicate_members AS m JOIN reviews AS r USING (review_id)
    WHERE m.fingerprint = f.fingerprint LIMIT 1
) AS sample
"""
_MERGE_ROOTS: LiteralString = """
WITH roots AS (SELECT DISTINCT root FROM near_texts WHERE fingerprint = ANY(%s))
UPDATE near_texts SET root = (SELECT min(root) FROM roots) WHERE root IN (SELECT root FROM roots)
RETURNING root
"""
_ROOTS: LiteralString = "SELECT DISTINCT root FROM near_texts WHERE fingerprint = ANY(%s)"

_GROUP_COLUMNS: LiteralString = """
       count(*), count(DISTINCT r.reviewer_key), count(DISTINCT r.product_id),
       coalesce(array_agg(DISTINCT r.product_id) FILTER (WHERE r.product_id IS NOT NULL), '{}'),
       min((r.reviewed_at AT TIME ZONE 'UTC')::date), max((r.reviewed_at AT TIME ZONE 'UTC')::date)
"""
_INSERT_EXACT_GROUPS: LiteralString = f"""
INSERT INTO duplicate_groups
    (kind, fingerprint, reviews, reviewers, products, product_ids, first_day, last_day)
SELECT 'exact', m.fingerprint, {_GROUP_COLUMNS}
FROM duplicate_members AS m JOIN reviews AS r USING (review_id)
WHERE m.fingerprint = ANY(%s) GROUP BY m.fingerprint HAVING count(*) > 1
"""  # noqa: S608 - constants of this module
_INSERT_NEAR_GROUPS: LiteralString = f"""
INSERT INTO duplicate_groups
    (kind, fingerprint, reviews, reviewers, products, product_ids, first_day, last_day)
SELECT 'near', n.root, {_GROUP_COLUMNS}
FROM near_texts AS n JOIN duplicate_members AS m USING (fingerprint)
JOIN reviews AS r USING (review_id)
WHERE n.root = ANY(%s) GROUP BY n.root HAVING count(DISTINCT m.fingerprint) > 1
"""  # noqa: S608 - as above
_DELETE_GROUPS: LiteralString = (
    "DELETE FROM duplicate_groups WHERE kind = %s AND fingerprint = ANY(%s)"
)


def regroup(connection: Connection, review_ids: Sequence[str]) -> None:
    """Update the groups of reviews; the caller holds the lock of a refresh."""
    ids = list(review_ids)
    deleted = _first_column(connection, _DELETE_MEMBERS, ids)
    fingerprints = deleted | _first_column(connection, _INSERT_MEMBERS, ids)
    roots = _first_column(connection, _ROOTS, fingerprints)
    roots |= _first_column(connection, _DELETE_TEXTS, fingerprints)
    new_texts = _first_column(connection, _INSERT_TEXTS, ids)
    for similar in _similar_texts(connection, sorted(new_texts)):
        roots |= _first_column(connection, _ROOTS, similar)
        roots |= _first_column(connection, _MERGE_ROOTS, similar)
    roots |= _first_column(connection, _ROOTS, fingerprints)
    for kind, keys, insert in (
        ("exact", fingerprints, _INSERT_EXACT_GROUPS),
        ("near", roots, _INSERT_NEAR_GROUPS),
    ):
        connection.execute(_DELETE_GROUPS, (kind, list(keys)))
        connection.execute(insert, (list(keys),))


def _first_column(connection: Connection, query: LiteralString, keys: Iterable[object]) -> set[int]:
    return {row[0] for row in connection.execute(query, (list(keys),))}


def _similar_texts(connection: Connection, new: list[int]) -> list[list[int]]:
    """Lists of fingerprints: a new text and the texts similar to it."""
    if not new:
        return []
    texts: dict[int, str] = dict(connection.execute(_TEXTS, (new,)).fetchall())
    similar: dict[int, list[int]] = defaultdict(list)
    rows = connection.execute(_CANDIDATES, {"new": new, "limit": _MAX_COMPARISONS}).fetchall()
    for one, other, text in rows:
        if one in texts and similarity(texts[one], text) >= MIN_NEAR_COPY_SIMILARITY:
            similar[one].append(other)
    return [[one, *others] for one, others in sorted(similar.items())]
