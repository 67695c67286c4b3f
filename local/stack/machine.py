"""State of the parts of a stack that are no service: its queues, disks and quarantine."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.resources import local_client
from local.credentials import AwsKeys
from local.names import QUEUES, queue_url
from local.quarantine import Quarantine
from shared.schemas.health import Check, QuarantinedFile, QueueState
from shared.storage.aws_errors import AWS_ERRORS

MIN_FREE_BYTES = 2**30
"""Free space below which a disk is reported: uploads, batches and index builds need some."""
_LISTED_FILES = 100
_TEMPORARY = Path("/tmp")  # noqa: S108 - reported, not written


@dataclass(frozen=True, slots=True)
class MachineState:
    """Queues and free space, a check for each, and the newest files in quarantine."""

    queues: dict[str, QueueState]
    free_bytes: dict[str, int]
    checks: dict[str, Check]
    quarantine: list[QuarantinedFile]


class Machine:
    """Reads the state of queues, disks and the quarantine."""

    def __init__(self, endpoint: str, cache: Path, keys: AwsKeys) -> None:
        """Prepare reading.

        Args:
            endpoint: URL of the local AWS.
            cache: the cache of the state folder.
            keys: the credentials of the local AWS.
        """
        self._endpoint = endpoint
        self._keys = keys
        self._sqs: Any = None
        self._folders = {"state": cache, "tmp": _TEMPORARY}
        self._quarantine = Quarantine.beside(cache)

    def read(self) -> MachineState:
        """Read the current state; a part that cannot be read is a check that says so."""
        checks: dict[str, Check] = {}
        try:
            self._sqs = self._sqs or local_client("sqs", self._endpoint, self._keys)
            queues = read_queues(self._sqs, self._endpoint)
            checks["queues"] = _check_queues(queues)
        except AWS_ERRORS as error:
            queues = {}
            detail = f"the queues do not answer: {type(error).__name__}"
            checks["queues"] = Check(status="unavailable", detail=detail)
        free = {name: shutil.disk_usage(folder).free for name, folder in self._folders.items()}
        checks["disk"] = _check_disks(free)
        return MachineState(queues, free, checks, self._damaged_files())

    def _damaged_files(self) -> list[QuarantinedFile]:
        entries = list(self._quarantine.entries())[-_LISTED_FILES:]
        return [QuarantinedFile(name=each.name, reason=each.reason, at=each.at) for each in entries]


def read_queues(sqs: Any, endpoint: str) -> dict[str, QueueState]:
    """Messages waiting, in work and given up, for each queue."""

    def count(queue: str, name: str) -> int:
        response = sqs.get_queue_attributes(
            QueueUrl=queue_url(endpoint, queue), AttributeNames=[name]
        )
        return int(response["Attributes"][name])

    return {
        plan.name: QueueState(
            waiting=count(plan.queue, "ApproximateNumberOfMessages"),
            in_work=count(plan.queue, "ApproximateNumberOfMessagesNotVisible"),
            given_up=count(plan.dead_letter_queue, "ApproximateNumberOfMessages"),
        )
        for plan in QUEUES
    }


def _check_queues(queues: Mapping[str, QueueState]) -> Check:
    given_up = {name: queue.given_up for name, queue in queues.items() if queue.given_up}
    if not given_up:
        return Check()
    listed = ", ".join(f"{count} of {name}" for name, count in given_up.items())
    detail = (
        f"messages that failed too often: {listed}; logs/worker.log in the state folder says why;"
        " a restart of the stack repeats the work"
    )
    return Check(status="degraded", detail=detail)


def _check_disks(free: Mapping[str, int]) -> Check:
    low = {name: size for name, size in free.items() if size < MIN_FREE_BYTES}
    if not low:
        return Check()
    listed = ", ".join(f"{size / 2**20:.0f} MiB ({name})" for name, size in low.items())
    return Check(status="degraded", detail=f"little space is free on the disk: {listed}")
