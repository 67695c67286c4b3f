"""Removes the rows of an excluded reviewer or product; an interrupted run is continued."""

import logging
from collections import Counter
from datetime import UTC, datetime

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.exclude.remains import describe_remains, list_uploads
from lambdas.collection.exclude.shards import Rewritten, rewrite, write
from lambdas.collection.orphans import derived_keys
from lambdas.collection.reading.excluded import Excluded
from lambdas.collection.undo.objects import quarantined_copies
from lambdas.collection.undo.worker import refresh_figures
from shared.db.connection import Connection
from shared.db.ingest import excluded_rows, exclusions, pictures
from shared.db.ingest.excluded_rows import ExcludedPart
from shared.db.ingest.repair import request_rereading
from shared.db.ingest.shards import process_lock
from shared.errors import WaitingError
from shared.schemas.exclusions import (
    ExcludedKeys,
    Exclusion,
    ExclusionKind,
    ExclusionReceipt,
    ExclusionStatus,
    HoldingUpload,
)
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.storage import forgotten, layout
from shared.storage.review_pictures import forget_reviews

log = logging.getLogger(__name__)


def remove_excluded(dependencies: Dependencies, exclusion_id: str) -> None:
    """Remove the rows of an exclusion, if that was requested; repeating it changes nothing.

    First every batch that is being stored is waited for; later ones are read without the rows. Then
    the stored rows go, with each shard that has some. The index is built by another function: until
    no version holds one, this raises, and the message returns.

    Raises:
        WaitingError: a worker still processes or stores a batch with such rows, or an index still
            holds one; deliver the message again.
        UnavailableError: a dependency does not answer.
    """
    database = dependencies.database
    with database.lock(f"exclude:{exclusion_id}") as acquired:
        if not acquired:
            raise WaitingError("another worker is removing these rows")
        exclusion = exclusions.find_exclusion(database, exclusion_id)
        if exclusion is None or exclusion.status is not ExclusionStatus.REMOVING:
            return
        _Removal(dependencies, exclusion).run()
    log.info("excluded rows removed", extra={"exclusion_id": exclusion_id})


class _Removal:
    """Removes the rows of one exclusion."""

    def __init__(self, dependencies: Dependencies, exclusion: Exclusion) -> None:
        self._dependencies = dependencies
        self._database = dependencies.database
        self._exclusion, self._id = exclusion, exclusion.exclusion_id
        self._subject = exclusions.subject_of(self._database, self._id) or ""

    def run(self) -> None:
        if self._exclusion.receipt.rows_removed_at is None:
            exclusions.wait_for_batches(self._database)
            self._remove_parts()
            self._clear_rejects()
            self._end_rows()
        ingest_ids = forgotten.marked_rows(self._dependencies.artefacts, self._id)
        self._delete_quarantined(ingest_ids)
        refresh_figures(self._dependencies)
        self._require_no_index(ingest_ids)
        exclusions.finish_removal(
            self._database, self._id, lambda receipt: describe_remains(self._dependencies, receipt)
        )

    def _remove_parts(self) -> None:
        """Remove the rows of each batch.

        Raises:
            WaitingError: some batches were busy; the others are done.
        """
        derived: dict[int, list[str]] = {}
        marked, busy = "", 0
        kind = self._exclusion.kind
        for part in excluded_rows.excluded_parts(self._database, kind, self._subject):
            if part.ingest_id != marked:
                marked = part.ingest_id
                forgotten.mark_rows(self._dependencies.artefacts, self._id, marked)
                derived = derived_keys(self._dependencies.artefacts, marked)
            lock = process_lock(part.ingest_id, part.part)
            with self._database.lock(lock) as acquired:
                if acquired:
                    self._remove_part(part, derived.get(part.part, []))
                else:
                    busy += 1
        if busy:
            raise WaitingError(f"{busy} batches with excluded rows are being processed")

    def _remove_part(self, part: ExcludedPart, derived: list[str]) -> None:
        result = rewrite(self._dependencies, part, derived)
        is_whole = not result.is_clean_lost and part.model_version not in result.lost_models

        with self._database.transaction() as connection:

            def replace() -> bool:
                write(self._dependencies, part, result)
                forget_reviews(self._dependencies.artefacts, part.ingest_id, set(part.records))
                pictures.embed_again(connection, part.ingest_id, part.records.values())
                return is_whole

            rows, products = excluded_rows.remove_part(connection, part, replace)
            if result.is_clean_lost:
                request_rereading(connection, part.ingest_id)

            def count(receipt: ExclusionReceipt) -> None:
                _count(receipt, part, result, (rows, products))

            exclusions.change_receipt(connection, self._id, count)
        if not is_whole and result.clean is not None:
            left = part.rows - len(part.records)
            message = ProcessShard(
                ingest_id=part.ingest_id, part=part.part, key=part.key, rows=left
            )
            self._dependencies.processing_queue.send([message])

    def _clear_rejects(self) -> None:
        """Remove the raw text of rejects that have the id."""
        is_reviewer = self._exclusion.kind is ExclusionKind.REVIEWER
        subject, none = frozenset([self._subject]), frozenset[str]()
        keys = ExcludedKeys((0, 0), *((subject, none) if is_reviewer else (none, subject)))
        excluded = Excluded(keys, self._dependencies.reviewer_key)
        while excluded_rows.clear_rejects(
            self._database, self._id, excluded.names, self._count_rejects
        ):
            pass

    def _count_rejects(self, connection: Connection, numbers: Counter[str]) -> None:
        for ingest_id in numbers:
            forgotten.mark_rows(self._dependencies.artefacts, self._id, ingest_id)

        def count(receipt: ExclusionReceipt) -> None:
            receipt.removed.rejects += numbers.total()

        exclusions.change_receipt(connection, self._id, count)

    def _end_rows(self) -> None:
        """Record that no row is left, and which uploads have them still."""
        owners = forgotten.marked_rows(self._dependencies.artefacts, self._id)
        products = 0
        if self._exclusion.kind is ExclusionKind.PRODUCT:
            products = excluded_rows.delete_product(self._database, self._subject)
        uploads = list_uploads(self._dependencies, owners)

        def end(receipt: ExclusionReceipt) -> None:
            known = {each.ingest_id: each.rows for each in receipt.uploads}
            for each in uploads:
                each.rows = known.get(each.ingest_id, 0)
            receipt.uploads = uploads
            receipt.removed.products += products
            receipt.rows_removed_at = datetime.now(UTC)

        exclusions.update_receipt(self._database, self._id, end)

    def _delete_quarantined(self, ingest_ids: frozenset[str]) -> None:
        """Delete the copies of damaged shards of the ingests, and of indexes that hold one."""
        for ingest_id in sorted(ingest_ids):
            copies = quarantined_copies(self._dependencies, ingest_id)
            if copies:
                self._count_copies(len(copies))
            for store, key in copies:
                store.delete(key)

    def _count_copies(self, number: int) -> None:
        def count(receipt: ExclusionReceipt) -> None:
            receipt.removed.quarantined += number

        exclusions.update_receipt(self._database, self._id, count)

    def _require_no_index(self, ingest_ids: frozenset[str]) -> None:
        """Request an index as long as a version holds a shard as it was.

        Raises:
            WaitingError: a version still holds one.
        """
        folders = forgotten.stale_holders(self._dependencies.artefacts, ingest_ids)
        if not folders:
            return
        names = {folder.removeprefix(layout.INDEXES).rstrip("/") for folder in folders}

        def add(receipt: ExclusionReceipt) -> None:
            earlier = receipt.removed.index_versions
            receipt.removed.index_versions = sorted({*earlier, *names})

        exclusions.update_receipt(self._database, self._id, add)
        self._dependencies.index_queue.send([BuildIndex(reason=f"rows of {self._id} are removed")])
        raise WaitingError("an index still holds excluded rows; a new one was requested")


def _count(
    receipt: ExclusionReceipt, part: ExcludedPart, result: Rewritten, deleted: tuple[int, int]
) -> None:
    removed = receipt.removed
    removed.rows += deleted[0]
    known = {each.ingest_id: each for each in receipt.uploads}
    upload = known.setdefault(part.ingest_id, HoldingUpload(ingest_id=part.ingest_id, key=""))
    upload.rows += deleted[0]
    receipt.uploads = list(known.values())
    removed.products += deleted[1]
    removed.clean_shards += not result.is_clean_lost
    removed.unreadable_shards += bool(result.is_clean_lost or result.lost_models)
    removed.embeddings = dict(Counter(removed.embeddings) + result.models)
