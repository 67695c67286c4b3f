"""What of an undone upload is left for a while, and what is not reached, for its receipt."""

from datetime import datetime, timedelta

from lambdas.collection.dependencies import Dependencies
from shared.schemas.undo import AgesOut, Receipt

_NOT_REACHED = (
    "folders that `reviewlens backup` has written, and other copies of the database or the buckets",
    "models that were trained or adapted with these reviews",
    "files that a machine has set aside as damaged (the folder quarantine of its state folder)",
    "the name and the checksum of the uploaded file, which stay in this ledger",
    "the name of the uploaded file in access logs",
)
_HISTORY_DAYS = 90
"""Time for which Step Functions keeps ended executions."""
_RESULT_DAYS = 30
"""Time after which results of executions expire (cdk/stacks/storage.py)."""
_MESSAGE_DAYS = 14
"""The longest time for which SQS keeps a message, and the one that the queues have."""


def describe_remains(dependencies: Dependencies, receipt: Receipt) -> None:
    """Add what ages out later, and what is not reached."""
    now = receipt.undone_at
    receipt.later = copies_that_age_out(dependencies, now)
    if now is not None and receipt.removed.plans:
        what = (
            "results and history of the state machine that read the file in ranges: its name, the"
            " numbers of the ranges, and messages of errors"
        )
        days = max(_HISTORY_DAYS, _RESULT_DAYS + dependencies.old_version_days)
        receipt.later.insert(0, AgesOut(what=what, until=until_day(now, days)))
    receipt.not_reached = list(_NOT_REACHED)


def copies_that_age_out(dependencies: Dependencies, now: datetime | None) -> list[AgesOut]:
    """Copies of the removed data, and how long each exists."""
    later = []
    if now is not None and dependencies.old_version_days:
        what = "deleted versions of clean shards, embeddings and indexes in the buckets"
        later.append(AgesOut(what=what, until=until_day(now, dependencies.old_version_days)))
    if now is not None and dependencies.backup_days:
        what = "automatic backups of the database and the buckets"
        later.append(AgesOut(what=what, until=until_day(now, dependencies.backup_days)))
    if now is not None and dependencies.picture_queue is not None:
        what = "messages with the addresses of pictures that were not fetched yet, and dead letters"
        later.append(AgesOut(what=what, until=until_day(now, _MESSAGE_DAYS)))
    return [
        *later,
        AgesOut(what="deleted rows in the files of the database, until it writes over them"),
        AgesOut(
            what="earlier indexes in the memory and on the disk of running functions, until they"
            " have loaded the next one after a request, or until they end"
        ),
    ]


def until_day(now: datetime, days: int) -> datetime:
    """S3 counts days from the midnight (UTC) that follows, and so may a backup window."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=days + 1)
