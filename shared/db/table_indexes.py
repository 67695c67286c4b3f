"""Compares the B-tree indexes of all tables with their tables, where amcheck is not installed."""

from dataclasses import dataclass

from psycopg import Error, sql

from shared.db.connection import Connection

_INDEXES = """
SELECT tables.relname, indexes.relname,
    format('SELECT count(*) FROM %I%s', tables.relname, condition),
    format('SELECT count(*) FROM (SELECT FROM %I%s ORDER BY %s) AS ordered',
        tables.relname, condition, keys)
FROM pg_index AS i
JOIN pg_class AS tables ON tables.oid = i.indrelid
JOIN pg_class AS indexes ON indexes.oid = i.indexrelid
JOIN pg_am AS methods ON methods.oid = indexes.relam,
LATERAL (SELECT coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS condition) AS c,
LATERAL (
    SELECT string_agg(pg_get_indexdef(i.indexrelid, key, true)
        || CASE WHEN i.indoption[key - 1] & 1 = 1 THEN ' DESC' ELSE '' END
        || CASE WHEN i.indoption[key - 1] & 2 = 2 THEN ' NULLS FIRST' ELSE ' NULLS LAST' END,
        ', ' ORDER BY key) AS keys
    FROM generate_series(1, i.indnkeyatts) AS key
) AS k
WHERE tables.relnamespace = 'public'::regnamespace AND tables.relkind = 'r'
    AND methods.amname = 'btree'
ORDER BY 1, 2
"""
_BY_TABLE = {"seqscan": "on", "indexscan": "off", "indexonlyscan": "off", "bitmapscan": "off"}
_BY_INDEX = {"seqscan": "off", "bitmapscan": "off", "sort": "off", "incremental_sort": "off"}


@dataclass(frozen=True, slots=True)
class _Index:
    table: str
    name: str
    count_table: str
    count_index: str


def contradicting_indexes(connection: Connection) -> tuple[int, dict[str, str]]:
    """Read every index to its end in its order, and compare its entries with the table's rows.

    The connection has one snapshot. An index that PostgreSQL would not use for its own order, as
    another one has the same first columns, is not counted.

    Returns:
        The number of indexes compared, and a sentence for each, by its name, that differs or cannot
        be read.
    """
    compared, problems = 0, {}
    for index in [_Index(*row) for row in connection.execute(_INDEXES).fetchall()]:
        try:
            if not _is_used(connection, index):
                continue
            compared += 1
            rows = _count(connection, index.count_table, _BY_TABLE)
            entries = _count(connection, index.count_index, _BY_INDEX)
        except Error as error:
            reason = " ".join(str(error).split())
            problems[index.name] = f"index {index.name} of {index.table} cannot be read: {reason}"
            continue
        if rows != entries:
            problems[index.name] = (
                f"index {index.name} has {entries} entries for {rows} rows of {index.table}"
            )
    return compared, problems


def rebuild_index(connection: Connection, name: str) -> None:
    """Make an index again from its table."""
    connection.execute(sql.SQL("REINDEX INDEX {}").format(sql.Identifier(name)))


def _is_used(connection: Connection, index: _Index) -> bool:
    plan = _execute(connection, f"EXPLAIN {index.count_index}", _BY_INDEX)
    lines = [str(line) for (line,) in plan]
    return any(f"using {index.name} on" in line for line in lines) and not any(
        "Sort" in line for line in lines
    )


def _count(connection: Connection, query: str, settings: dict[str, str]) -> int:
    ((count,),) = _execute(connection, query, settings)
    return int(str(count))


def _execute(
    connection: Connection, query: str, settings: dict[str, str]
) -> list[tuple[object, ...]]:
    """Execute a query with these kinds of plans, and forget the settings."""
    with connection.transaction(force_rollback=True):
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, true)", (f"enable_{name}", value))
        return connection.execute(query.encode()).fetchall()
