"""Checks that the database agrees with itself: counts of ingests, analyses and figures."""

from dataclasses import dataclass
from typing import LiteralString

from psycopg import Error, sql

from shared.db.connection import Connection


@dataclass(frozen=True, slots=True)
class Rule:
    """A query that returns one row for each contradiction, and how to describe it."""

    name: str
    query: LiteralString
    problem: str


RULES = (
    Rule(
        "rejects",
        "SELECT ingest_id, recorded, found FROM"
        " (SELECT ingest_id, sum(rejected) AS recorded FROM shards GROUP BY 1) AS s FULL JOIN"
        " (SELECT ingest_id, count(*) AS found FROM rejects GROUP BY 1) AS r USING (ingest_id)"
        " WHERE coalesce(recorded, 0) <> coalesce(found, 0) ORDER BY 1 LIMIT 100",
        "ingest {} counts {} rejected rows, and {} are stored",
    ),
    Rule(
        "reviews",
        "SELECT ingest_id, recorded, found FROM"
        " (SELECT ingest_id, sum(rows) AS recorded FROM shards GROUP BY 1) AS s FULL JOIN"
        " (SELECT ingest_id, count(*) AS found FROM reviews GROUP BY 1) AS r USING (ingest_id)"
        " WHERE coalesce(recorded, 0) <> coalesce(found, 0) ORDER BY 1 LIMIT 100",
        "ingest {} counts {} stored reviews, and {} are stored",
    ),
    Rule(
        "duplicates",
        "SELECT ingest_id, part, accepted, rows FROM shards"
        " WHERE rows > accepted OR rows < 0 OR rejected < 0 ORDER BY 1, 2 LIMIT 100",
        "ingest {}, part {}: {} rows were accepted, and {} of them are stored",
    ),
    Rule(
        "parts",
        "SELECT ingest_id, count(*), max(part) + 1 FROM shards GROUP BY 1"
        " HAVING count(*) <> max(part) + 1 ORDER BY 1 LIMIT 100",
        "ingest {} has {} parts of {}",
    ),
    Rule(
        "analyses",
        "SELECT r.ingest_id, count(*) FROM reviews AS r"
        " WHERE NOT EXISTS (SELECT FROM analyses AS a WHERE a.review_id = r.review_id)"
        " AND NOT EXISTS (SELECT FROM shards AS s"
        " WHERE s.ingest_id = r.ingest_id AND s.rows > 0 AND s.model_version IS NULL)"
        " GROUP BY 1 ORDER BY 1 LIMIT 100",
        "ingest {} is processed, and {} of its reviews have no sentiment",
    ),
)
"""What must hold in every snapshot."""
FIGURES = Rule(
    "figures",
    "SELECT counted, reviews FROM (SELECT count(*) AS counted FROM review_facts) AS f,"
    " (SELECT count(*) AS reviews FROM reviews) AS r, (SELECT coalesce(sum(reviews), 0) AS total"
    " FROM segment_days WHERE segment = 'all') AS s"
    " WHERE (counted <> reviews OR total <> reviews)"
    " AND NOT EXISTS (SELECT FROM insight_changes)",
    "figures count {} reviews of {}",
)
"""Holds when no changes are pending; ``rebuild_figures`` mends it."""


def contradictions(connection: Connection, rule: Rule) -> list[str]:
    """A sentence for each contradiction."""
    return [rule.problem.format(*row) for row in connection.execute(rule.query).fetchall()]


def unreadable_tables(connection: Connection) -> tuple[int, list[str]]:
    """Read every row of every table, which verifies the checksum of each page.

    Returns:
        The number of tables, and a sentence for each table that cannot be read to its end.
    """
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    tables = [str(name) for (name,) in connection.execute(f"{query} AND relkind = 'r' ORDER BY 1")]
    problems = []
    for table in tables:
        copy = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
        try:
            with connection.transaction(), connection.cursor() as cursor, cursor.copy(copy) as rows:
                for _ in rows:
                    pass
        except Error as error:
            problems.append(f"table {table} cannot be read: {' '.join(str(error).split())}")
    return len(tables), problems


def rebuild_figures(connection: Connection) -> None:
    """Empty the figures and log all reviews, so that the next refresh counts them again."""
    connection.execute(
        "TRUNCATE insight_changes, review_facts, product_days, product_sources, product_totals,"
        " segment_days, segment_totals, arrivals"
    )
    connection.execute(
        "INSERT INTO insight_changes (review_ids) SELECT array_agg(review_id) FROM ("
        "SELECT review_id, (row_number() OVER () - 1) / 5000 AS part FROM reviews"
        ") AS parts GROUP BY part"
    )
