"""Training jobs on SageMaker, through boto3."""

import re
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from lambdas.training.launcher import Job, Progress, Report, parse_progress
from lambdas.training.sagemaker_request import build_request, job_name, registered_encoders
from lambdas.training.settings import TrainingSettings
from shared.errors import UnavailableError
from shared.schemas.training import TrainingState
from shared.storage.aws_errors import translate_aws_errors

_REQUIRED_SETTINGS = ("image_uri", "role_arn", "data_uri", "output_uri")
_STARTING_PHASES = frozenset(
    {"Pending", "Starting", "LaunchingMLInstances", "PreparingTrainingStack", "Downloading"}
)
_TIMEOUT_PHASES = frozenset({"MaxRuntimeExceeded", "MaxWaitTimeExceeded"})
_MAX_REASON_CHARACTERS = 500


class SageMakerLauncher:
    """Runs jobs in one account and region; a job's name is its training id with hyphens."""

    name = "sagemaker"

    def __init__(self, client: Any, settings: TrainingSettings) -> None:
        """Create the launcher.

        Args:
            client: a boto3 SageMaker client.
            settings: image, role, data and instances of the jobs.
        """
        self._client = client
        self._settings = settings

    def check_ready(self) -> None:
        """Raise UnavailableError if a required setting is missing."""
        missing = [n for n in _REQUIRED_SETTINGS if not getattr(self._settings, f"training_{n}")]
        if missing:
            names = ", ".join(f"REVIEWLENS_TRAINING_{name.upper()}" for name in missing)
            raise UnavailableError(f"training is not configured: {names} not set")

    def encoders(self) -> Collection[str]:
        """Names of the encoders registered in the settings."""
        return registered_encoders(self._settings)

    def count_rows(self) -> int:
        """Number of reviews per epoch, from the settings."""
        return self._settings.training_rows

    def start(self, job: Job) -> None:
        """Create the job; see Launcher."""
        request = build_request(self._settings, job)
        name = request["TrainingJobName"]
        try:
            with _translate_errors():
                self._client.create_training_job(**request)
        except _NameInUse as error:
            # the response to an earlier attempt may have been lost
            with _translate_errors():
                description = self._client.describe_training_job(TrainingJobName=name)
            if description.get("HyperParameters") != request["HyperParameters"]:
                message = f"another job has the name {name}; try again"
                raise UnavailableError(message) from error

    def report(self, training_id: str) -> Report | None:
        """Describe the job; see Launcher."""
        name = self._job_name(training_id)
        try:
            with _translate_errors():
                description = self._client.describe_training_job(TrainingJobName=name)
        except _NotFound:
            return None
        return _parse_report(description)

    def stop(self, training_id: str) -> None:
        """Stop the job; see Launcher."""
        try:
            with _translate_errors():
                self._client.stop_training_job(TrainingJobName=self._job_name(training_id))
        except (_NotFound, _Ended):
            return

    def _job_name(self, training_id: str) -> str:
        return self._settings.training_name_prefix + job_name(training_id)


def _parse_report(description: Mapping[str, Any]) -> Report:
    phase = description.get("SecondaryStatus")
    state = _parse_state(description["TrainingJobStatus"], phase)
    reason = None
    if state is TrainingState.FAILED:
        reason = str(description.get("FailureReason") or phase or "the job failed")
    progress = _parse_progress(description, phase)
    if state is TrainingState.COMPLETED:  # SageMaker also names a URI, without an object, earlier
        uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
        progress = replace(progress, artefact_uri=uri)
    return Report(
        state=state,
        progress=progress,
        started_at=description.get("TrainingStartTime"),
        finished_at=description.get("TrainingEndTime") if state.is_final else None,
        failure_reason=reason and reason[:_MAX_REASON_CHARACTERS],
    )


def _parse_state(status: str, phase: str | None) -> TrainingState:
    if status == "Stopped":
        return TrainingState.FAILED if phase in _TIMEOUT_PHASES else TrainingState.CANCELLED
    if status == "InProgress" and phase in _STARTING_PHASES:
        return TrainingState.STARTED
    final_states = {"Completed": TrainingState.COMPLETED, "Failed": TrainingState.FAILED}
    return final_states.get(status, TrainingState.RUNNING)


def _parse_progress(description: Mapping[str, Any], phase: str | None) -> Progress:
    metrics = description.get("FinalMetricDataList") or []
    return parse_progress({entry["MetricName"]: entry["Value"] for entry in metrics}, phase)


class _NotFound(Exception):  # noqa: N818 - a response, not a fault
    pass


class _NameInUse(Exception):  # noqa: N818
    pass


class _Ended(Exception):  # noqa: N818
    pass


def _translate_errors() -> AbstractContextManager[None]:
    return translate_aws_errors("SageMaker does not answer", _refusal)


def _refusal(code: str, message: str) -> Exception:
    if code == "ResourceInUse":
        return _NameInUse()
    if code in {"ValidationException", "ValidationError", "ResourceNotFound"}:
        if re.search(r"not find|not found", message, re.IGNORECASE):
            return _NotFound()
        if "in status" in message or "in Status" in message:
            return _Ended()
    return UnavailableError(f"SageMaker refused the request ({code})")
