"""SageMaker's jobs as the flow sees them: started once, looked at often."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import ConflictError, NotFoundError, ReviewlensError, UnavailableError
from shared.storage.aws_errors import translate_aws_errors

State = Literal["running", "completed", "failed", "stopped"]
_STATES: dict[str, State] = {"Completed": "completed", "Failed": "failed", "Stopped": "stopped"}
_MOST_ATTEMPTS = 30
_TRANSIENT = frozenset({"ThrottlingException", "Throttling", "InternalFailure"})


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A training: where it stands, and where its data and its result lie."""

    state: State
    reason: str
    run_uri: str
    channels: dict[str, str]


@dataclass(frozen=True, slots=True)
class ProcessingJob:
    """A processing job; ``message`` is what its container left in the message file."""

    state: State
    reason: str
    message: dict[str, Any]


class Jobs:
    """Jobs of one account and region."""

    def __init__(self, client: Any) -> None:
        """Prepare.

        Args:
            client: a boto3 SageMaker client.
        """
        self._client = client

    def training(self, name: str) -> TrainingJob:
        """Look at a training.

        Raises:
            NotFoundError: there is no such job.
            UnavailableError: SageMaker does not answer.
        """
        with _translate_errors(f"training job {name}"):
            found = self._client.describe_training_job(TrainingJobName=name)
        inputs = found.get("InputDataConfig", [])
        state = _STATES.get(found["TrainingJobStatus"], "running")
        return TrainingJob(
            state=state,
            reason=_reason(found, state),
            run_uri=found.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
            channels={
                each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3Uri"] for each in inputs
            },
        )

    def processing(self, name: str) -> ProcessingJob:
        """Look at a processing job; errors as in ``training``."""
        with _translate_errors(f"processing job {name}"):
            found = self._client.describe_processing_job(ProcessingJobName=name)
        state = _STATES.get(found["ProcessingJobStatus"], "running")
        message = _message(found)
        reason = str(message.get("reason") or _reason(found, state))
        return ProcessingJob(state=state, reason=reason, message=message)

    def start(self, name: str, request: Mapping[str, Any]) -> str:
        """Start a processing job, unless one of that name runs: events come more than once.

        Returns:
            The job's own name: one that has ended keeps its name, and the next has a number more.

        Raises:
            ReviewlensError: SageMaker refuses it.
            UnavailableError: SageMaker does not answer, or has no capacity.
        """
        for number in range(1, _MOST_ATTEMPTS + 1):
            job = f"{name}-{number}"
            try:
                if self.processing(job).state == "running":
                    return job
            except NotFoundError:
                with _translate_errors(f"processing job {job}"):
                    self._client.create_processing_job(ProcessingJobName=job, **request)
                return job
        raise ReviewlensError(f"{name} was tried {_MOST_ATTEMPTS} times")


def _reason(found: Mapping[str, Any], state: State) -> str:
    told = str(found.get("FailureReason") or "")
    return told or {"failed": "the job failed", "stopped": "the job was stopped"}.get(state, "")


def _message(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the container said, in JSON; anything else is a reason."""
    text = found.get("ExitMessage") or ""
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        return {"reason": text}
    return said if isinstance(said, dict) else {"reason": text}


def _translate_errors(subject: str) -> AbstractContextManager[None]:
    def refusal(code: str, message: str) -> Exception:
        if "not find" in message or "not found" in message:
            return NotFoundError(f"there is no {subject}")
        if code == "ResourceInUse":
            return ConflictError(f"{subject} was started by another at the same time")
        if code in _TRANSIENT or code == "ResourceLimitExceeded":
            return UnavailableError(f"{subject}: {message}")
        return ReviewlensError(f"{subject}: SageMaker refused the request ({code}): {message}")

    return translate_aws_errors("SageMaker does not answer", refusal)
