"""The ledger: the state of each ingest, and counts of its rows."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from shared.db.connection import Database
from shared.db.ingest.bulk import bulk_progress
from shared.db.ingest.outcomes import record_outcome
from shared.db.ingest.ownership import delete_batches
from shared.db.ingest.runs import NO_RUN
from shared.db.ingest.shards import (
    OPEN_SHARD,
    StoredBatch,
    complete_ingest,
    shard_message,
    stored_batches,
)
from shared.schemas.formats import LEDGER
from shared.schemas.ingest import (
    MAX_REJECT_SHARE,
    IngestReport,
    IngestStatus,
    Reject,
    ingest_id_of,
)
from shared.schemas.messages import ProcessShard

_REPORTS = """
SELECT i.*, s.*, r.rejects_by_reason, l.languages, f.failed_shards, p.pictures
FROM ingests AS i
CROSS JOIN LATERAL (
    SELECT coalesce(sum(accepted + rejected), 0) AS rows_read, coalesce(sum(rows), 0) AS stored,
           coalesce(sum(accepted - rows), 0) AS duplicates,
           coalesce(sum(rejected), 0) AS rejected, count(*) FILTER (WHERE rows > 0) AS shards,
           count(*) FILTER (WHERE rows > 0 AND model_version IS NOT NULL) AS shards_processed,
           count(failed_at) AS shards_failed
    FROM shards WHERE ingest_id = i.ingest_id
) AS s
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(reason, n), '{}') AS rejects_by_reason
    FROM (SELECT reason, count(*) AS n FROM rejects WHERE ingest_id = i.ingest_id GROUP BY reason
    ) AS reasons
) AS r
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(language, n), '{}') AS languages
    FROM (SELECT counted.key AS language, sum(counted.value::bigint) AS n
          FROM shards, jsonb_each_text(shards.languages) AS counted
          WHERE ingest_id = i.ingest_id GROUP BY counted.key
    ) AS sums
) AS l
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(to_jsonb(failed) ORDER BY part), '[]') AS failed_shards
    FROM (SELECT part, rows, attempts + outages AS attempts, failure AS reason, failed_at
          FROM shards
          WHERE ingest_id = i.ingest_id AND failed_at IS NOT NULL ORDER BY part LIMIT 20
    ) AS failed
) AS f
CROSS JOIN LATERAL (
    SELECT jsonb_build_object('fetched', coalesce(sum(fetched), 0),
        'refused', coalesce(sum(refused), 0), 'failed', coalesce(sum(failed), 0),
        'waiting', coalesce(sum(pictures) FILTER (WHERE fetched IS NULL), 0)) AS pictures
    FROM picture_batches WHERE ingest_id = i.ingest_id
) AS p
"""
"""Counts are sums over committed rows, so they are always current."""

_FOLLOWS: LiteralString = (
    "EXISTS (SELECT FROM ingests AS last WHERE last.ingest_id = %s AND ({0}.received_at <"
    " last.received_at OR {0}.received_at = last.received_at AND {0}.ingest_id > last.ingest_id))"
)
"""Whether an ingest follows another one, newest first."""
MAPPING = "mapping"
"""Key of ``ingests.details``: the mapping that the object was read with, or null."""
_COLLECTED = {
    IngestStatus.COLLECTED,
    IngestStatus.PROCESSED,
    IngestStatus.PROCESSED_WITH_WARNINGS,
}
_OPEN_SHARDS: LiteralString = (
    "SELECT ingest_id, part, key, rows FROM shards WHERE " + OPEN_SHARD  # noqa: S608 - a constant
)
_STALE_SHARDS: LiteralString = f"""
WITH open AS (SELECT ingest_id, part, updated_at, failure FROM shards WHERE {OPEN_SHARD}),
busy AS (
    SELECT coalesce(max(updated_at) > now() - make_interval(secs => %s), false) AS yes FROM shards
)
UPDATE shards SET updated_at = now() FROM open, busy
WHERE shards.ingest_id = open.ingest_id AND shards.part = open.part
  AND open.updated_at <= now() - make_interval(
      secs => CASE WHEN busy.yes OR open.failure IS NOT NULL THEN %s ELSE %s END)
RETURNING shards.ingest_id, shards.part, shards.key, shards.rows
"""  # noqa: S608 - a constant
_ALL_PROCESSED: LiteralString = f"""
SELECT EXISTS (SELECT FROM shards WHERE rows > 0)
   AND NOT EXISTS (SELECT FROM shards WHERE {OPEN_SHARD})
"""  # noqa: S608 - a constant


class Ledger:
    """Reads and writes the tables ingests, shards and rejects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def receive(self, bucket: str, key: str, etag: str) -> str:
        """Record an object that is to be collected; returns its ingest id."""
        return self.receive_all(bucket, [(key, etag)])[0]

    def receive_all(self, bucket: str, versions: Sequence[tuple[str, str]]) -> list[str]:
        """Record objects (key, etag) that are to be collected; returns their ingest ids."""
        rows = [(ingest_id_of(bucket, key, etag), key, etag.strip('"')) for key, etag in versions]
        # in the order of ids, so that two callers with the same objects cannot deadlock
        columns = [list(column) for column in zip(*sorted(set(rows)), strict=True)]
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO ingests (ingest_id, key, etag, bucket, status, format_version)"
                " SELECT *, %s, 'received', %s"
                " FROM unnest(%s::text[], %s::text[], %s::text[])"
                " ON CONFLICT (ingest_id) DO UPDATE SET updated_at = now()",
                (bucket, LEDGER.version, *columns),
            )
        return [row[0] for row in rows]

    def start(self, ingest_id: str) -> dict[int, StoredBatch]:
        """Start or resume collecting.

        Returns:
            The batches committed by earlier attempts, by part.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET status = 'collecting', updated_at = now(), error_code = NULL,"
                " error_detail = NULL, started_at = coalesce(started_at, now()),"
                " finished_at = NULL, announced = CASE WHEN status = ANY(%s) THEN NULL"
                " ELSE announced END WHERE ingest_id = %s",
                (sorted(_COLLECTED), ingest_id),
            )
            batches = stored_batches(connection, ingest_id)
        return {batch.part: batch for batch in batches}

    def batches(self, ingest_id: str) -> dict[int, StoredBatch]:
        """The committed batches of an ingest, by part."""
        with self._database.transaction() as connection:
            return {batch.part: batch for batch in stored_batches(connection, ingest_id)}

    def status(self, ingest_id: str) -> IngestStatus | None:
        """Status of an ingest; None if it is unknown."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT status FROM ingests WHERE ingest_id = %s", (ingest_id,)
            ).fetchone()
        return IngestStatus(row[0]) if row else None

    def state(self, ingest_id: str) -> tuple[IngestStatus, dict[str, Any]]:
        """Status and details of an ingest that was received."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT status, details FROM ingests WHERE ingest_id = %s", (ingest_id,)
            ).fetchone()
        return (IngestStatus(row[0]), row[1]) if row else (IngestStatus.RECEIVED, {})

    def request_reading(self, ingest_id: str, mapping: Mapping[str, str]) -> bool:
        """Mark an ingest as received, so that its object is read with this mapping.

        What an earlier reading stored stays until the new reading replaces it.

        Returns:
            Whether it must be read; False if it was collected with the same mapping.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT status, details FROM ingests WHERE ingest_id = %s FOR UPDATE", (ingest_id,)
            ).fetchone()
            status, details = (IngestStatus(row[0]), row[1]) if row else (None, {})
            is_collected = status in _COLLECTED
            if is_collected and MAPPING in details and details[MAPPING] == dict(mapping):
                return False
            # a worker that is collecting it finds the new mapping when the message is repeated
            if is_collected or status is IngestStatus.FAILED:
                connection.execute(
                    "UPDATE ingests SET status = 'received', updated_at = now(),"
                    " finished_at = NULL, announced = NULL WHERE ingest_id = %s",
                    (ingest_id,),
                )
        return True

    def describe(
        self,
        ingest_id: str,
        profile: dict[str, str],
        warnings: list[str],
        details: dict[str, Any],
    ) -> None:
        """Record format, compression, encoding, dump_schema, warnings and details of a dump."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET updated_at = now(), format = %s, compression = %s,"
                " encoding = %s, dump_schema = %s, warnings = %s, details = %s"
                " WHERE ingest_id = %s",
                (
                    *(profile.get(n) for n in ("format", "compression", "encoding", "dump_schema")),
                    Jsonb(warnings),
                    Jsonb(details),
                    ingest_id,
                ),
            )

    def delete_batches(self, ingest_id: str, part: int, record: int) -> None:
        """Delete the batches of an ingest from ``part`` and ``record`` on.

        This uses its own transaction: it locks many rows, and a transaction that also stored some
        could deadlock with an ingest of the same reviews.
        """
        with self._database.transaction() as connection:
            delete_batches(connection, ingest_id, part, record)

    def shard_keys(self, ingest_id: str) -> set[str]:
        """Keys of the clean shards of an ingest."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT key FROM shards WHERE ingest_id = %s AND rows > 0", (ingest_id,)
            )
            return {row[0] for row in rows}

    def finish(self, ingest_id: str, *, max_reject_share: float = MAX_REJECT_SHARE) -> bool:
        """Mark an ingest as collected, or as processed if no shard is open.

        If all its rows were rejected, it is marked as failed; see record_outcome.

        Returns:
            Whether an index build is due, because all its rows are already processed.
        """
        with self._database.transaction() as connection:
            # locks the row first, like the worker that processes the last shard
            connection.execute(
                "UPDATE ingests SET status = 'collected', updated_at = now(),"  # noqa: S608 - a constant
                f" finished_at = now(), {NO_RUN} WHERE ingest_id = %s",
                (ingest_id,),
            )
            record_outcome(connection, ingest_id, max_reject_share)
            return complete_ingest(connection, ingest_id)

    def fail(self, ingest_id: str, code: str, detail: str) -> bool:
        """Mark an ingest as failed; its rows are processed. Returns whether an index is due."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET status = 'failed', updated_at = now(),"  # noqa: S608 - a constant
                f" finished_at = now(), {NO_RUN}, error_code = %s, error_detail = %s"
                " WHERE ingest_id = %s",
                (code, detail.replace("\0", "\ufffd"), ingest_id),
            )
            return complete_ingest(connection, ingest_id)

    def touch(self, ingest_id: str) -> None:
        """Record that the ingest is still being worked on."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE ingests SET updated_at = now() WHERE ingest_id = %s", (ingest_id,)
            )

    def report(self, ingest_id: str) -> IngestReport | None:
        """Report of one ingest; None if it is unknown."""
        reports = self._reports("WHERE i.ingest_id = %s", (ingest_id,))
        return reports[0] if reports else None

    def recent(self, limit: int, after: str | None = None) -> list[IngestReport]:
        """The most recent ingests, newest first; those that follow the ingest ``after``."""
        return self._reports(
            "WHERE i.ingest_id IN (SELECT n.ingest_id"  # noqa: S608 - a constant
            " FROM ingests AS n WHERE %s::text IS NULL"
            f" OR {_FOLLOWS.format('n')} ORDER BY n.received_at DESC, n.ingest_id LIMIT %s)"
            " ORDER BY i.received_at DESC, i.ingest_id",
            (after, after, limit),
        )

    def of_object(
        self, bucket: str, key: str, limit: int, after: str | None = None
    ) -> list[IngestReport]:
        """The ingests of one object, one per version, in the order of ``recent``."""
        return self._reports(
            "WHERE i.bucket = %s AND i.key = %s"
            f" AND (%s::text IS NULL OR {_FOLLOWS.format('i')})"
            " ORDER BY i.received_at DESC, i.ingest_id LIMIT %s",
            (bucket, key, after, after, limit),
        )

    def _reports(self, where: LiteralString, arguments: tuple[object, ...]) -> list[IngestReport]:
        rows = self._database.fetch_dicts(f"{_REPORTS} {where}", arguments)
        for row in rows:
            LEDGER.check(f"ingest {row['ingest_id']}", row["format_version"])
            row["bulk"] = bulk_progress(row["bulk"])
        fields = IngestReport.model_fields
        return [IngestReport(**{k: v for k, v in row.items() if k in fields}) for row in rows]

    def rejects(self, ingest_id: str, *, after: int = 0, limit: int = 100) -> list[Reject]:
        """Rejects of an ingest with a record number above ``after``, in order."""
        rows = self._database.fetch_dicts(
            "SELECT file, line, record, reason, detail, raw FROM rejects"
            " WHERE ingest_id = %s AND record > %s ORDER BY record LIMIT %s",
            (ingest_id, after, limit),
        )
        return [Reject(**row) for row in rows]

    def states(
        self, bucket: str, prefix: str
    ) -> dict[tuple[str, str], tuple[IngestStatus, float, bool]]:
        """States of all ingests below a prefix.

        Returns:
            (key, etag) to (status, seconds since the last update, whether a batch is marked; see
            shared/db/ingest/ownership.py).
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT key, etag, status, extract(epoch FROM now() - updated_at)::float8,"
                " EXISTS (SELECT FROM shards AS s WHERE s.ingest_id = i.ingest_id"
                "  AND recheck_after IS NOT NULL)"
                " FROM ingests AS i WHERE bucket = %s AND starts_with(key, %s)",
                (bucket, prefix),
            )
            return {
                (key, etag): (IngestStatus(status), age, marked)
                for key, etag, status, age, marked in rows
            }

    def open_shards(self, ingest_id: str) -> list[ProcessShard]:
        """The shards of an ingest that no model has processed."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"{_OPEN_SHARDS} AND ingest_id = %s ORDER BY part",
                (ingest_id,),
            )
            return [shard_message(row) for row in rows]

    def stale_shards(self, idle_seconds: float, lost_seconds: float) -> list[ProcessShard]:
        """Return open shards that no worker seems to process, and mark them as queued now.

        While any shard is being updated, the others may only be waiting for their turn: then only
        shards without an update for ``lost_seconds`` are returned, otherwise those without one for
        ``idle_seconds``. A shard whose last attempt failed has a message that returns by itself: it
        counts as lost after ``lost_seconds``, too.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(_STALE_SHARDS, (idle_seconds, lost_seconds, idle_seconds))
            return sorted((shard_message(row) for row in rows), key=lambda m: (m.ingest_id, m.part))

    def reopen(self, model_version: str, age_seconds: float) -> list[ProcessShard]:
        """Reopen shards that another model processed, and mark them as queued now.

        Args:
            model_version: the model that should have processed them.
            age_seconds: minimum time since they were processed. While a new model cannot be opened,
                the previous one processes shards; they must not be reopened continuously.
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
                " WHERE status IN ('processed', 'processed_with_warnings')"
                " AND ingest_id = ANY(%s)",
                (sorted({row[0] for row in rows}),),
            )
        return sorted((shard_message(row) for row in rows), key=lambda m: (m.ingest_id, m.part))

    def all_processed(self) -> bool:
        """Whether there are rows to index and no shard is open."""
        with self._database.transaction() as connection:
            row = connection.execute(_ALL_PROCESSED).fetchone()
        return bool(row and row[0])

    def shard(self, ingest_id: str, part: int) -> StoredBatch | None:
        """One committed batch; None if it is unknown."""
        with self._database.transaction() as connection:
            batches = stored_batches(connection, ingest_id, part)
        return batches[0] if batches else None

    def touch_shard(self, ingest_id: str, part: int) -> None:
        """Record that the shard is still being worked on."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE shards SET updated_at = now() WHERE ingest_id = %s AND part = %s",
                (ingest_id, part),
            )

    def complete(self, ingest_id: str) -> bool:
        """Mark an ingest as processed if it has no open shard; returns whether an index is due."""
        with self._database.transaction() as connection:
            return complete_ingest(connection, ingest_id)
