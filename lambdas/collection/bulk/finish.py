"""The last step: closes an ingest that was read in ranges."""

import logging
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
from lambdas.collection.reading import Description, Profile, ReadOptions, add_marks
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
    options = read_options(dependencies, find_mapping(dependencies.raw, job.key))
    if not ranges.members:
        profile, warnings = _described(dependencies, job, state, ranges, options, 0)
    else:
        profile, warnings = _describe_archive(dependencies, job, state, ranges, options)
    describe_dump(dependencies, job.ingest_id, profile, warnings, options)


def _described(
    dependencies: Dependencies,
    job: Job,
    state: BulkState,
    ranges: Ranges,
    options: ReadOptions,
    member: int,
) -> tuple[Profile, list[str]]:
    """Profile and warnings of a dump or of a member."""
    own = [each for each in ranges.ranges if each.member == member]
    counted = add_marks([COUNTED.validate_python(state.done[str(each.number)]) for each in own])
    planned = ranges.members[member] if ranges.members else None
    with open_planned(dependencies, job, ranges, options, member=member) as dump:
        dump.count(counted)
        dump.profile.compression = planned.compression if planned else ranges.compression
        noticed = planned.warnings if planned else state.warnings
        return dump.profile, list(dict.fromkeys([*noticed, *dump.warnings]))


def _describe_archive(
    dependencies: Dependencies, job: Job, state: BulkState, ranges: Ranges, options: ReadOptions
) -> tuple[Profile, list[str]]:
    stored = dependencies.ledger.batches(job.ingest_id)
    description = Description(ranges.compression)
    for number, member in enumerate(ranges.members):
        profile, warnings = _described(dependencies, job, state, ranges, options, number)
        entry = description.begin(member.file)
        description.open(entry, profile)
        own = [each for each in ranges.ranges if each.member == number]
        batches = [
            stored[part] for each in own for part in range(each.part, each.part + each.parts)
        ]
        entry["rows_read"] = sum(each.records for each in own)
        entry["rejected"] = sum(batch.rejected for batch in batches)
        entry["stored"] = sum(batch.rows for batch in batches)
        entry["duplicates"] = entry["rows_read"] - entry["rejected"] - entry["stored"]
        description.warn(entry, warnings)
    return description.profile, description.warnings(state.warnings, ranges.skipped)
