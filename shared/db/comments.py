"""Cursors that begin each statement with a comment, the correlation id, and record its span.

PostgreSQL logs slow statements and shows running ones with it. It is no SET, which would pin a
connection of RDS Proxy to one client.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self, cast

import psycopg
from psycopg import sql
from psycopg.abc import Params, Query, QueryNoTemplate
from psycopg.copy import Copy, Writer
from psycopg.rows import Row

from shared.observability.correlation import correlation_id
from shared.observability.tracing import recorder


class CommentingCursor(psycopg.Cursor[Row]):
    """A cursor of psycopg; see the module."""

    def execute(
        self,
        query: Query,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """See psycopg.Cursor.execute."""
        with recorder().statement(query):
            return super().execute(_commented(query), params, prepare=prepare, binary=binary)

    def executemany(
        self, query: Query, params_seq: Iterable[Params], *, returning: bool = False
    ) -> None:
        """See psycopg.Cursor.executemany."""
        with recorder().statement(query):
            super().executemany(_commented(query), params_seq, returning=returning)

    @contextmanager
    def copy(
        self, statement: Query, params: Params | None = None, *, writer: Writer | None = None
    ) -> Iterator[Copy]:
        """See psycopg.Cursor.copy."""
        with (
            recorder().statement(statement),
            super().copy(_commented(statement), params, writer=writer) as copy,
        ):
            yield copy


def _commented(query: Query) -> QueryNoTemplate:
    plain = cast("QueryNoTemplate", query)  # nothing here uses template strings
    current = correlation_id()
    if current is None:
        return plain
    # correlate() lets nothing into an id that could end a comment
    comment = f"/* {current} */ "
    if isinstance(plain, sql.Composable):
        return sql.SQL(comment) + plain
    text = plain.decode() if isinstance(plain, bytes) else str(plain)
    return (comment + text).encode()
