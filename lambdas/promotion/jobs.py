"""SageMaker jobs of the flow: starts processing jobs and reads the state of jobs."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import ConflictError, NotFoundError, ReviewlensError, UnavailableError
from shared.storage.aws_errors import translate_aws_errors

State = Literal["running", "completed", "failed", "stopped"]
_STATES: dict[str, State] = {"Completed": "completed", "Failed": "failed", "Stopped": "stopped"}
_MAX_ATTEMPTS = 30
_TRANSIENT_CODES = frozenset({"ThrottlingException", "Throttling", "InternalFailure"})


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """State of a training job, and the S3 URIs of its data and its result."""

    state: State
    reason: str
    run_uri: str
    channels: dict[str, str]


@dataclass(frozen=True, slots=True)
class ProcessingJob:
    """State of a processing job; ``message`` is the message file that its container wrote."""

    state: State
    reason: str
    message: dict[str, Any]


class SageMakerJobs:
    """Jobs of one account and region."""

    def __init__(self, client: Any) -> None:
        """Create the adapter.

        Args:
            client: a boto3 SageMaker client.
        """
        self._client = client

    def describe_training(self, name: str) -> TrainingJob:
        """Read the state of a training job.

        Raises:
            NotFoundError: there is no such job.
            UnavailableError: SageMaker does not answer.
        """
        with _translate_errors(f"training job {name}"):
            description = self._client.describe_training_job(TrainingJobName=name)
        inputs = description.get("InputDataConfig", [])
        state = _STATES.get(description["TrainingJobStatus"], "running")
        return TrainingJob(
            state=state,
            reason=_reason(description, state),
            run_uri=description.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
            channels={
                channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
                for channel in inputs
            },
        )

    def describe_processing(self, name: str) -> ProcessingJob:
        """Read the state of a processing job; errors as in ``describe_training``."""
        with _translate_errors(f"processing job {name}"):
            description = self._client.describe_processing_job(ProcessingJobName=name)
        state = _STATES.get(description["ProcessingJobStatus"], "running")
        message = _parse_message(description)
        reason = str(message.get("reason") or _reason(description, state))
        return ProcessingJob(state=state, reason=reason, message=message)

    def start(self, name: str, request: Mapping[str, Any]) -> str:
        """Start a processing job unless one with the name is running, as events may be repeated.

        Returns:
            The job's unique name: the given one with the number of the attempt.

        Raises:
            ReviewlensError: SageMaker refuses the request, or too many attempts have ended.
            UnavailableError: SageMaker does not answer, or has no capacity.
        """
        for number in range(1, _MAX_ATTEMPTS + 1):
            job = f"{name}-{number}"
            try:
                if self.describe_processing(job).state == "running":
                    return job
            except NotFoundError:
                with _translate_errors(f"processing job {job}"):
                    self._client.create_processing_job(ProcessingJobName=job, **request)
                return job
        raise ReviewlensError(f"{name} was attempted {_MAX_ATTEMPTS} times")


def _reason(description: Mapping[str, Any], state: State) -> str:
    defaults = {"failed": "the job failed", "stopped": "the job was stopped"}
    return str(description.get("FailureReason") or defaults.get(state, ""))


def _parse_message(description: Mapping[str, Any]) -> dict[str, Any]:
    """Parse the container's message: a JSON object, or else the reason as text."""
    text = description.get("ExitMessage") or ""
    try:
        message = json.loads(text)
    except json.JSONDecodeError:
        return {"reason": text}
    return message if isinstance(message, dict) else {"reason": text}


def _translate_errors(subject: str) -> AbstractContextManager[None]:
    def refusal(code: str, message: str) -> Exception:
        if "not find" in message or "not found" in message:
            return NotFoundError(f"there is no {subject}")
        if code == "ResourceInUse":
            return ConflictError(f"{subject} was started concurrently")
        if code in _TRANSIENT_CODES or code == "ResourceLimitExceeded":
            return UnavailableError(f"{subject}: {message}")
        return ReviewlensError(f"{subject}: SageMaker refused the request ({code}): {message}")

    return translate_aws_errors("SageMaker does not answer", refusal)
