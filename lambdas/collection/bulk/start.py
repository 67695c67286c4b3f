"""Chooses who reads an object: one run after another, or the state machine."""

from secrets import token_hex

from lambdas.collection.bulk.ranges import fingerprint
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.mapping import find_mapping
from shared.db.ingest.bulk import bulk_state, save_bulk
from shared.db.ingest.runs import begin_run
from shared.errors import IngestError, NotFoundError

_NO_PROGRESS = (
    "executions in a row ended before they had stored anything new; the log of the state machine"
    " has the reasons"
)


def starts_bulk(dependencies: Dependencies, ingest_id: str, key: str, etag: str) -> bool:
    """Whether the state machine reads an object; it is started unless it is at work.

    The caller holds the lock of the ingest.

    Raises:
        IngestError: executions end without storing anything.
        UnavailableError: a dependency does not answer.
    """
    machine = dependencies.machine
    if machine is None or not _is_large(dependencies, key):
        return False
    state = bulk_state(dependencies.database, ingest_id)
    if state.declined:
        try:
            columns = find_mapping(dependencies.raw, key)
        except IngestError:
            return False
        if state.plan == fingerprint(dependencies, columns):
            return False
    if state.execution and machine.is_running(state.execution):
        return True
    earlier = begin_run(dependencies.database, ingest_id)
    if earlier.is_hopeless(dependencies.max_run_attempts):
        raise IngestError("no_progress", f"{earlier.attempts} {_NO_PROGRESS}")
    state.executions, state.rounds = state.executions + 1, 0
    # a name cannot be used again for 90 days, also if the ledger was restored from a backup
    state.execution = f"{ingest_id}-{state.executions}-{token_hex(4)}"
    save_bulk(dependencies.database, ingest_id, state)
    job = {"ingest_id": ingest_id, "key": key, "etag": etag}
    machine.start(state.execution, {"job": job})
    return True


def _is_large(dependencies: Dependencies, key: str) -> bool:
    try:
        size = dependencies.raw.head(key).size
    except NotFoundError:
        return False
    return dependencies.bulk_bytes <= size <= dependencies.max_object_bytes
