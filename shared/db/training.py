"""Training runs: numbered by the day, each asked for once, with what is known of them."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, LiteralString

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from shared.db.connection import Connection, Database
from shared.errors import ConflictError
from shared.schemas.training import TrainingParameters, TrainingState, fingerprint

_RECENT = 5


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One row; ``progress`` is what the job said last of itself."""

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
        """The run that a request has started already.

        That is the one that the key was used for, whatever became of it, else an active one with
        the same parameters.

        Raises:
            ConflictError: the key was used with other parameters.
        """
        with self._database.transaction() as connection:
            return _find(connection, fingerprint(parameters), key)

    def remember(self, key: str, training_id: str) -> None:
        """Note that a key was answered with a run; a key that was used stays with the first."""
        with self._database.transaction() as connection:
            _remember(connection, key, training_id)

    def begin(
        self,
        parameters: TrainingParameters,
        key: str | None,
        *,
        launcher: str,
        rows: int,
        estimated_at: datetime,
    ) -> tuple[TrainingRun, bool]:
        """Enter a run under the next number of the day (UTC), unless it is there already.

        Args:
            parameters: What it is made with.
            key: The caller's idempotency key; None where there is none.
            launcher: What runs the job.
            rows: Rows of an epoch.
            estimated_at: When it should be done.

        Returns:
            The run, and whether it is a new one, which the caller then launches.

        Raises:
            ConflictError: the key was used with other parameters.
        """
        wanted = fingerprint(parameters)
        with self._database.transaction() as connection:
            # one after the other: no number is given twice, no equal request starts a second run
            connection.execute("LOCK TABLE training_runs IN SHARE ROW EXCLUSIVE MODE")
            known = _find(connection, wanted, key)
            run = known or _one(
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
                *(wanted, launcher, rows, estimated_at),
            )
            assert run is not None  # noqa: S101 - an INSERT that returns its row
            if key is not None:
                _remember(connection, key, run.training_id)
        return run, known is None

    def get(self, training_id: str) -> TrainingRun | None:
        """One run; None where it is unknown."""
        with self._database.transaction() as connection:
            return _one(
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
        """Note what the job says of itself; a run that has ended is not changed any more.

        Returns:
            The run as it is now; None where it is unknown.
        """
        with self._database.transaction() as connection:
            changed = _one(
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

    def note_version(self, training_id: str, version: str) -> bool:
        """Note which model version was registered from a run; a later one takes its place.

        Returns:
            Whether the run is known.
        """
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE training_runs SET model_version = %s WHERE training_id = %s",
                (version, training_id),
            )
        return changed.rowcount == 1

    def forget_keys(self, training_id: str) -> None:
        """Free the keys of a run that could not be launched: the caller may try again with them."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM training_keys WHERE training_id = %s", (training_id,))

    def rate(self, launcher: str, model_name: str) -> float | None:
        """Rows per second, all work included: median of the newest runs that were completed.

        Returns:
            None where no run of that encoder was completed by that launcher.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FROM ("
                " SELECT rows * (parameters->>'epochs')::int"
                "  / extract(epoch FROM finished_at - started_at)::float8 AS rate"
                " FROM training_runs WHERE state = 'completed' AND launcher = %s"
                " AND parameters->>'model_name' = %s AND finished_at > started_at AND rows > 0"
                " ORDER BY finished_at DESC LIMIT %s) AS recent",
                (launcher, model_name, _RECENT),
            ).fetchone()
        return float(row[0]) if row and row[0] else None


def _find(connection: Connection, wanted: str, key: str | None) -> TrainingRun | None:
    if key is not None:
        used = _one(
            connection,
            "SELECT * FROM training_runs WHERE training_id ="
            " (SELECT training_id FROM training_keys WHERE key = %s)",
            key,
        )
        if used and used.fingerprint != wanted:
            told = "this key was used for a training with other parameters"
            raise ConflictError(told, details={"field": "Idempotency-Key"})
        if used:
            return used
    return _one(
        connection,
        "SELECT * FROM training_runs WHERE fingerprint = %s AND state IN ('started', 'running')",
        wanted,
    )


def _remember(connection: Connection, key: str, training_id: str) -> None:
    connection.execute(
        "INSERT INTO training_keys VALUES (%s, %s) ON CONFLICT DO NOTHING", (key, training_id)
    )


def _one(connection: Connection, query: LiteralString, *arguments: Any) -> TrainingRun | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query, arguments).fetchone()
    return None if row is None else TrainingRun(**{name: row[name] for name in _FIELDS})
