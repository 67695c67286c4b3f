"""What of excluded rows is left for a while, and where, for the receipt."""

from collections.abc import Collection

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.undo.remains import copies_that_age_out, until_day
from shared.db.ingest.excluded_rows import holding_ingests
from shared.schemas.exclusions import ExclusionReceipt, HoldingUpload
from shared.schemas.undo import AgesOut

_WHAT_TO_DO = (
    "the uploaded files are not changed: undo an upload (DELETE /collect/{ingest_id}), which"
    " removes its other rows as well, and upload the file again without these rows; otherwise it"
    " stays until a lifecycle rule of the bucket deletes it"
)
_NOT_REACHED = (
    "rows of dumps that do not name the reviewer or product, or name it differently",
    "rejected rows whose raw text does not have the id as a field or a word",
    "title, category and brand of a product that has other reviews",
    "the path of the request, which has the id, in traces and in logs of proxies",
    "folders that `reviewlens backup` has written, and other copies of the database or the buckets",
    "models that were trained or adapted with these reviews",
    "files that a machine has set aside as damaged (the folder quarantine of its state folder)",
)
_PLAN_DAYS = 30
"""Time after which the text of a dump that is never collected expires (cdk/stacks/storage.py)."""


def list_uploads(dependencies: Dependencies, owners: Collection[str]) -> list[HoldingUpload]:
    """The stored objects that have, or may have, such rows."""
    raw = dependencies.raw
    return [
        HoldingUpload(ingest_id=ingest_id, key=key)
        for ingest_id, key, etag in holding_ingests(dependencies.database, owners)
        if any(version.etag == etag for version in raw.versions(key))
    ]


def describe_remains(dependencies: Dependencies, receipt: ExclusionReceipt) -> None:
    """Add what ages out later, and what is not reached."""
    receipt.what_to_do = _WHAT_TO_DO if receipt.uploads else None
    receipt.later = copies_that_age_out(dependencies, receipt.removed_at)
    if receipt.removed_at is not None and dependencies.machine is not None:
        what = "the text of compressed dumps that are read in ranges, until all of it is collected"
        days = _PLAN_DAYS + dependencies.old_version_days
        receipt.later.append(AgesOut(what=what, until=until_day(receipt.removed_at, days)))
    receipt.not_reached = list(_NOT_REACHED)
