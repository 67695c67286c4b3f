"""The last step: closes an ingest that was read in ranges."""

import logging
from dataclasses import replace
from typing import Any

from lambdas.collection.bulk.plan import missing
from lambdas.collection.bulk.ranges import (
    Job,
    Range,
    Ranges,
    fingerprint,
    load_ranges,
    open_planned,
)
from lambdas.collection.bulk.read import COUNTED
from lambdas.collection.bulk.text import delete_text
from lambdas.collection.closing import close_ingest
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.mapping import find_mapping
from lambdas.collection.opening import describe_dump, read_options
from lambdas.collection.orphans import delete_orphans
from lambdas.collection.queueing import queue_marked
from lambdas.collection.reading import add_marks, read_dump
from shared.db.ingest.announcements import announce
from shared.db.ingest.bulk import BulkState, bulk_state, save_bulk
from shared.db.ingest.undo import undo_state
from shared.errors import WaitingError
from shared.schemas.messages import BuildIndex

log = logging.getLogger(__name__)
_SHOWN_FAILURES = 3
_MAX_ROUNDS = 5


def finish(dependencies: Dependencies, job: Job) -> dict[str, Any]:
    """Close the ingest if all ranges are stored; otherwise record which failed, and why.

    Returns:
        ``state``: collected, failed (with the reason), again (plan and read once more), or undone.

    Raises:
        UnavailableError: a dependency does not answer, or another worker has the object.
    """
    with dependencies.database.lock(f"collect:{job.ingest_id}") as acquired:
        if not acquired:
            raise WaitingError("another worker is collecting this object")
        if undo_state(dependencies.database, job.ingest_id) is not None:
            return {"state": "undone"}
        ending, is_index_due = _close(dependencies, job)
    if is_index_due:
        reason = f"{job.ingest_id} is processed"
        dependencies.index_queue.send([BuildIndex(reason=reason)])
    announce(dependencies.database, dependencies.ledger, dependencies.events, job.ingest_id)
    if ending["state"] == "collected":
        delete_text(dependencies, job.ingest_id)  # last: a repetition reads it again
    return ending


def _close(dependencies: Dependencies, job: Job) -> tuple[dict[str, Any], bool]:
    state = bulk_state(dependencies.database, job.ingest_id)
    plan = fingerprint(dependencies, find_mapping(dependencies.raw, job.key))
    # None: the plan is outdated, or not stored any more
    ranges = load_ranges(dependencies, job.ingest_id, plan) if plan == state.plan else None
    if (state.differs or ranges is None) and state.rounds >= _MAX_ROUNDS:
        message = f"the object was read differently {state.rounds} times while it was being read"
        due = dependencies.ledger.fail(job.ingest_id, "no_progress", message)
        return {"state": "failed", "reason": message}, due
    if state.differs:
        # a row of an earlier part may be owned by a later one: none can stay
        dependencies.ledger.delete_batches(job.ingest_id, 0, 1)
        state.differs, state.done = False, {}
        save_bulk(dependencies.database, job.ingest_id, state)
        return {"state": "again"}, False
    if ranges is None:
        return {"state": "again"}, False
    stored = dependencies.ledger.batches(job.ingest_id)
    left = missing(dependencies, job.ingest_id, ranges.ranges, state, stored)
    if left:
        return _fail(dependencies, job, state, left)
    _describe(dependencies, job, state, ranges)
    is_due = close_ingest(dependencies, job.ingest_id, state.parts, state.records)
    queue_marked(dependencies, job.ingest_id, failed=True)
    log.info("ingest collected", extra={"ingest_id": job.ingest_id, "part": state.parts})
    return {"state": "collected"}, is_due


def _fail(
    dependencies: Dependencies, job: Job, state: BulkState, left: list[Range]
) -> tuple[dict[str, Any], bool]:
    """Record which ranges are missing; what is stored stays, and is processed."""
    shown = [
        f"records {each.before + 1} to {each.before + each.records}: "
        + state.failed.get(str(each.number), "its attempts did not end")
        for each in left[:_SHOWN_FAILURES]
    ]
    more = len(left) - len(shown)
    message = (
        f"{len(left)} of {state.ranges} ranges could not be read: {'; '.join(shown)}"
        + (f"; and {more} more" if more else "")
        + ". Collect the object again to read these ranges only"
    )
    removed = delete_orphans(dependencies, job.ingest_id)
    is_due = dependencies.ledger.fail(job.ingest_id, "ranges_failed", message) or removed
    queue_marked(dependencies, job.ingest_id, failed=False)
    return {"state": "failed", "reason": message}, is_due


def _describe(dependencies: Dependencies, job: Job, state: BulkState, ranges: Ranges) -> None:
    """Describe the dump as one reading does: what rows counted for warnings is added up."""
    counted = [COUNTED.validate_python(state.done[str(each.number)]) for each in ranges.ranges]
    options = read_options(dependencies, find_mapping(dependencies.raw, job.key))
    mark = ranges.ranges[-1].mark
    resume = mark and replace(mark, maker=add_marks(counted))
    with open_planned(dependencies, job, ranges) as stream:
        dump = read_dump(stream, name=job.key, options=options, resume=resume)
        dump.profile.compression = ranges.compression
        warnings = list(dict.fromkeys([*state.warnings, *dump.warnings]))
        describe_dump(dependencies, job.ingest_id, dump, options, warnings=warnings)
