"""The ledger: which object was ingested how far, and what became of its rows."""

from typing import LiteralString

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from shared.db.connection import Database
from shared.db.ingest.shards import (
    StoredBatch,
    forget,
    message_of,
    settle,
    stored_batches,
)
from shared.schemas.formats import LEDGER
from shared.schemas.ingest import IngestReport, IngestStatus, Reject, ingest_id_of
from shared.schemas.messages import ProcessShard

_COUNTS = """
SELECT i.*, s.*, r.rejects_by_reason FROM ingests AS i
CROSS JOIN LATERAL (
    SELECT coalesce(sum(accepted + rejected), 0) AS rows_read, coalesce(sum(rows), 0) AS stored,
           coalesce(sum(accepted - rows), 0) AS duplicates,
           coalesce(sum(rejected), 0) AS rejected, count(*) FILTER (WHERE rows > 0) AS shards,
           count(*) FILTER (WHERE rows > 0 AND model_version IS NOT NULL) AS shards_processed
    FROM shards WHERE ingest_id = i.ingest_id
) AS s
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(reason, n), '{}') AS rejects_by_reason
    FROM (SELECT reason, count(*) AS n FROM rejects WHERE ingest_id = i.ingest_id GROUP BY reason
    ) AS reasons
) AS r
"""
"""Counts are sums over what is committed: live while reading, exact at the end, never stale."""

_OPEN = "SELECT ingest_id, part, key, rows FROM shards WHERE model_version IS NULL AND rows > 0"


class Ledger:
    """Reads and writes the tables ingests, shards and rejects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def receive(self, bucket: str, key: str, etag: str) -> str:
        """Note that an object is to be collected; returns its ingest id."""
        ingest_id = ingest_id_of(bucket, key, etag)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO ingests (ingest_id, bucket, key, etag, status, format_version)"
                " VALUES (%s, %s, %s, %s, 'received', %s)"
                " ON CONFLICT (ingest_id) DO UPDATE SET updated_at = now()",
                (ingest_id, bucket, key, etag.strip('"'), LEDGER.version),
            )
        return ingest_id

    def start(self, ingest_id: str) -> dict[int, StoredBatch]:
        """Begin (or go on) collecting.

        Returns:
            The batches that an earlier attempt committed, by part.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET status = 'collecting', updated_at = now(), error_code = NULL,"
                " error_detail = NULL, started_at = coalesce(started_at, now()),"
                " finished_at = NULL WHERE ingest_id = %s",
                (ingest_id,),
            )
            batches = stored_batches(connection, ingest_id)
        return {batch.part: batch for batch in batches}

    def status_of(self, ingest_id: str) -> IngestStatus | None:
        """Where an ingest stands; None where it is unknown."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT status FROM ingests WHERE ingest_id = %s", (ingest_id,)
            ).fetchone()
        return IngestStatus(row[0]) if row else None

    def describe(self, ingest_id: str, profile: dict[str, str], warnings: list[str]) -> None:
        """Note format, compression, encoding and dump_schema of a dump, and its warnings."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET updated_at = now(), format = %s, compression = %s,"
                " encoding = %s, dump_schema = %s, warnings = %s WHERE ingest_id = %s",
                (
                    *(profile.get(n) for n in ("format", "compression", "encoding", "dump_schema")),
                    Jsonb(warnings),
                    ingest_id,
                ),
            )

    def forget(self, ingest_id: str, part: int, record: int) -> None:
        """Take back the batches of an ingest from ``part`` and ``record`` on (see shards.forget).

        Its own transaction: it locks many rows, and one that also stored some could deadlock with
        an ingest that holds the same reviews.
        """
        with self._database.transaction() as connection:
            forget(connection, ingest_id, part, record)

    def shard_keys(self, ingest_id: str) -> set[str]:
        """Keys of the clean shards that an ingest has."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT key FROM shards WHERE ingest_id = %s AND rows > 0", (ingest_id,)
            )
            return {row[0] for row in rows}

    def finish(self, ingest_id: str) -> bool:
        """Mark an ingest as collected (processed, where no shard is open).

        Returns:
            Whether everything it stored is processed already: an index is due.
        """
        with self._database.transaction() as connection:
            # the row's lock first: the worker that processes the last shard does the same
            connection.execute(
                "UPDATE ingests SET status = 'collected', updated_at = now(), finished_at = now()"
                " WHERE ingest_id = %s",
                (ingest_id,),
            )
            return settle(connection, ingest_id)

    def fail(self, ingest_id: str, code: str, detail: str) -> bool:
        """Mark an ingest as failed; what it stored before stays and is processed."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET status = 'failed', updated_at = now(), finished_at = now(),"
                " error_code = %s, error_detail = %s WHERE ingest_id = %s",
                (code, detail.replace("\0", "\ufffd"), ingest_id),
            )
            return settle(connection, ingest_id)

    def touch(self, ingest_id: str) -> None:
        """Say that somebody works on the ingest."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET updated_at = now() WHERE ingest_id = %s", (ingest_id,)
            )

    def report(self, ingest_id: str) -> IngestReport | None:
        """Counts of one ingest; None where it is unknown."""
        found = self._reports("WHERE i.ingest_id = %s", (ingest_id,))
        return found[0] if found else None

    def recent(self, limit: int) -> list[IngestReport]:
        """The ingests that came last, newest first."""
        return self._reports(
            "WHERE i.ingest_id IN (SELECT ingest_id FROM ingests"
            " ORDER BY received_at DESC, ingest_id LIMIT %s)"
            " ORDER BY i.received_at DESC, i.ingest_id",
            (limit,),
        )

    def of_key(self, bucket: str, key: str, limit: int) -> list[IngestReport]:
        """The ingests of one object, one for each version of it, newest first."""
        return self._reports(
            "WHERE i.bucket = %s AND i.key = %s ORDER BY i.received_at DESC, i.ingest_id LIMIT %s",
            (bucket, key, limit),
        )

    def _reports(self, where: LiteralString, arguments: tuple[object, ...]) -> list[IngestReport]:
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(f"{_COUNTS} {where}", arguments).fetchall()
        for row in rows:
            LEDGER.check(f"ingest {row['ingest_id']}", row["format_version"])
        fields = IngestReport.model_fields
        return [IngestReport(**{k: v for k, v in row.items() if k in fields}) for row in rows]

    def rejects(self, ingest_id: str, *, after: int = 0, limit: int = 100) -> list[Reject]:
        """Rejects of an ingest in the order of its records, those behind ``after``."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(
                "SELECT file, line, record, reason, detail, raw FROM rejects"
                " WHERE ingest_id = %s AND record > %s ORDER BY record LIMIT %s",
                (ingest_id, after, limit),
            ).fetchall()
        return [Reject(**row) for row in rows]

    def known(self, bucket: str, prefix: str) -> dict[tuple[str, str], tuple[IngestStatus, float]]:
        """Everything the ledger knows below a prefix.

        Returns:
            (key, etag) to (status, seconds since its last sign of life).
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT key, etag, status, extract(epoch FROM now() - updated_at)::float8"
                " FROM ingests WHERE bucket = %s AND starts_with(key, %s)",
                (bucket, prefix),
            )
            return {(key, etag): (IngestStatus(status), age) for key, etag, status, age in rows}

    def open_shards(self, ingest_id: str) -> list[ProcessShard]:
        """Shards of an ingest that no model has processed."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"{_OPEN} AND ingest_id = %s ORDER BY part",
                (ingest_id,),
            )
            return [message_of(row) for row in rows]

    def stale_shards(self, idle_seconds: float, lost_seconds: float) -> list[ProcessShard]:
        """Open shards that nobody seems to work on; they count as queued from now.

        While any shard shows signs of life the others may just wait for their turn: then only those
        that waited ``lost_seconds`` come back, else those that waited ``idle_seconds``.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "WITH open AS (SELECT ingest_id, part, updated_at FROM shards"
                "  WHERE model_version IS NULL AND rows > 0),"
                " busy AS (SELECT coalesce(max(updated_at) > now() - make_interval(secs => %s),"
                "  false) AS yes FROM shards)"
                " UPDATE shards SET updated_at = now() FROM open, busy"
                " WHERE shards.ingest_id = open.ingest_id AND shards.part = open.part"
                " AND open.updated_at <= now() - make_interval(secs =>"
                "  CASE WHEN busy.yes THEN %s ELSE %s END)"
                " RETURNING shards.ingest_id, shards.part, shards.key, shards.rows",
                (idle_seconds, lost_seconds, idle_seconds),
            )
            return sorted((message_of(row) for row in rows), key=lambda m: (m.ingest_id, m.part))

    def reopen(self, model_version: str, age_seconds: float) -> list[ProcessShard]:
        """Open the shards that another model processed; they count as queued from now.

        Args:
            model_version: the model that should have processed them.
            age_seconds: how long ago at least the other one did: a model that cannot be opened
                leaves the work to the one before it, and must not have it done again and again.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "UPDATE shards SET model_version = NULL, updated_at = now()"
                " WHERE rows > 0 AND model_version <> %s"
                " AND updated_at <= now() - make_interval(secs => %s)"
                " RETURNING ingest_id, part, key, rows",
                (model_version, age_seconds),
            ).fetchall()
            connection.execute(
                "UPDATE ingests SET status = 'collected', updated_at = now()"
                " WHERE status = 'processed' AND ingest_id = ANY(%s)",
                (sorted({row[0] for row in rows}),),
            )
        return sorted((message_of(row) for row in rows), key=lambda m: (m.ingest_id, m.part))

    def all_processed(self) -> bool:
        """Whether there is something to index and no shard is open."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM shards WHERE rows > 0)"
                " AND NOT EXISTS (SELECT FROM shards WHERE rows > 0 AND model_version IS NULL)"
            ).fetchone()
        return bool(row and row[0])

    def shard(self, ingest_id: str, part: int) -> StoredBatch | None:
        """One committed batch; None where it is unknown."""
        with self._database.transaction() as connection:
            batches = stored_batches(connection, ingest_id, part)
        return batches[0] if batches else None

    def touch_shard(self, ingest_id: str, part: int) -> None:
        """Say that somebody works on the shard."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE shards SET updated_at = now() WHERE ingest_id = %s AND part = %s",
                (ingest_id, part),
            )

    def settled(self, ingest_id: str) -> bool:
        """Whether an ingest is read to its end and has no open shard."""
        with self._database.transaction() as connection:
            return settle(connection, ingest_id)
