"""Training runs, numbered per day, and the idempotency keys of their requests."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, LiteralString

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from shared.db.connection import Connection, Database
from shared.errors import ConflictError
from shared.schemas.training import TrainingParameters, TrainingState, fingerprint

_RATED_RUNS = 5
"""Newest completed runs from which the speed is estimated."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One row; ``progress`` is the last state reported by the job."""

    training_id: str
    state: str
    parameters: dict[str, Any]
    fingerprint: str
    estimated_at: datetime
    progress: dict[str, Any]
    model_version: str | None
    failure_reason: str | None
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


_FIELDS = [field.name for field in fields(TrainingRun)]


class TrainingRuns:
    """Reads and writes the tables training_runs and training_keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, parameters: TrainingParameters, key: str | None) -> TrainingRun | None:
        """Find the run of an earlier equal request.

        This is the run that the key was used for, in any state, otherwise an active run with the
        same parameters.

        Raises:
            ConflictError: the key was used with other parameters.
        """
        with self._database.transaction() as connection:
            return _find(connection, fingerprint(parameters), key)

    def record_key(self, key: str, training_id: str) -> None:
        """Record the run of a key; a key that is already recorded keeps its run."""
        with self._database.transaction() as connection:
            _insert_key(connection, key, training_id)

    def create(
        self,
        parameters: TrainingParameters,
        key: str | None,
        *,
        launcher: str,
        rows: int,
        estimated_at: datetime,
    ) -> tuple[TrainingRun, bool]:
        """Create a run with the next number of the day (UTC), unless an equal one exists.

        Args:
            parameters: parameters of the run.
            key: the client's idempotency key, if any.
            launcher: name of the launcher that runs the job.
            rows: rows per epoch.
            estimated_at: estimated time of completion.

        Returns:
            The run, and whether it is new; the caller launches a new run.

        Raises:
            ConflictError: the key was used with other parameters.
        """
        digest = fingerprint(parameters)
        with self._database.transaction() as connection:
            # the lock prevents duplicate numbers, and a second run for an equal request
            connection.execute("LOCK TABLE training_runs IN SHARE ROW EXCLUSIVE MODE")
            existing = _find(connection, digest, key)
            run = existing or _fetch_run(
                connection,
                "WITH today AS (SELECT (now() AT TIME ZONE 'UTC')::date AS day),"
                " next AS (SELECT day, (SELECT coalesce(max(number), 0) + 1 FROM training_runs"
                "  WHERE training_runs.day = today.day) AS number FROM today)"
                " INSERT INTO training_runs (training_id, day, number, state, parameters,"
                " fingerprint, launcher, rows, estimated_at)"
                " SELECT format('train_%%s_%%s', to_char(day, 'YYYYMMDD'),"
                " lpad(number::text, greatest(3, length(number::text)), '0')),"
                " day, number, 'started', %s, %s, %s, %s, %s FROM next"
                " RETURNING *",
                Jsonb(parameters.model_dump(mode="json")),
                *(digest, launcher, rows, estimated_at),
            )
            assert run is not None  # noqa: S101 - the INSERT returns its row
            if key is not None:
                _insert_key(connection, key, run.training_id)
        return run, existing is None

    def get(self, training_id: str) -> TrainingRun | None:
        """One run; None if it is unknown."""
        with self._database.transaction() as connection:
            return _fetch_run(
                connection,
                "SELECT * FROM training_runs WHERE training_id = %s",
                training_id,
            )

    def update(
        self,
        training_id: str,
        *,
        state: TrainingState,
        progress: dict[str, Any],
        estimated_at: datetime | None = None,
        started_at: datetime | None = None,
        finished_at: datetime | None = None,
        model_version: str | None = None,
        failure_reason: str | None = None,
    ) -> TrainingRun | None:
        """Record the state reported by the job; a run that has ended is not changed.

        Returns:
            The current run; None if it is unknown.
        """
        with self._database.transaction() as connection:
            changed = _fetch_run(
                connection,
                "UPDATE training_runs SET state = %s, progress = %s,"
                " estimated_at = coalesce(%s, estimated_at),"
                " started_at = coalesce(%s, started_at),"
                " model_version = coalesce(%s, model_version), failure_reason = %s,"
                " finished_at = CASE WHEN %s THEN coalesce(%s, now()) END"
                " WHERE training_id = %s AND state IN ('started', 'running')"
                " RETURNING *",
                *(state.value, Jsonb(progress), estimated_at, started_at, model_version),
                *(failure_reason and failure_reason.replace("\0", "\ufffd"), state.is_final),
                *(finished_at, training_id),
            )
        return changed or self.get(training_id)

    def record_version(self, training_id: str, version: str) -> bool:
        """Record the model version registered from a run, replacing an earlier one.

        Returns:
            Whether the run exists.
        """
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE training_runs SET model_version = %s WHERE training_id = %s",
                (version, training_id),
            )
        return changed.rowcount == 1

    def release_keys(self, training_id: str) -> None:
        """Delete the keys of a run that could not be launched, so that clients can retry."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM training_keys WHERE training_id = %s", (training_id,))

    def rows_per_second(self, launcher: str, model_name: str) -> float | None:
        """Median speed of the newest completed runs, including all overhead.

        Returns:
            None if the launcher has completed no run of that encoder.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FROM ("
                " SELECT rows * (parameters->>'epochs')::int"
                "  / extract(epoch FROM finished_at - started_at)::float8 AS rate"
                " FROM training_runs WHERE state = 'completed' AND launcher = %s"
                " AND parameters->>'model_name' = %s AND finished_at > started_at AND rows > 0"
                " ORDER BY finished_at DESC LIMIT %s) AS recent",
                (launcher, model_name, _RATED_RUNS),
            ).fetchone()
        return float(row[0]) if row and row[0] else None


def _find(connection: Connection, digest: str, key: str | None) -> TrainingRun | None:
    if key is not None:
        used = _fetch_run(
            connection,
            "SELECT * FROM training_runs WHERE training_id ="
            " (SELECT training_id FROM training_keys WHERE key = %s)",
            key,
        )
        if used and used.fingerprint != digest:
            message = "this key was used for a training run with other parameters"
            raise ConflictError(message, details={"field": "Idempotency-Key"})
        if used:
            return used
    return _fetch_run(
        connection,
        "SELECT * FROM training_runs WHERE fingerprint = %s AND state IN ('started', 'running')",
        digest,
    )


def _insert_key(connection: Connection, key: str, training_id: str) -> None:
    connection.execute(
        "INSERT INTO training_keys VALUES (%s, %s) ON CONFLICT DO NOTHING", (key, training_id)
    )


def _fetch_run(connection: Connection, query: LiteralString, *arguments: Any) -> TrainingRun | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query, arguments).fetchone()
    return None if row is None else TrainingRun(**{name: row[name] for name in _FIELDS})
