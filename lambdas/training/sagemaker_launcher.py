"""Training jobs on SageMaker, through boto3."""

import json
import re
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from lambdas.training.launcher import Job, Progress, Report, progress_of
from lambdas.training.settings import TrainingSettings
from shared.errors import UnavailableError
from shared.schemas.training import TrainingState
from shared.schemas.training_log import METRIC_DEFINITIONS
from shared.storage.aws_errors import translate_aws_errors

_NEEDED = ("image_uri", "role_arn", "data_uri", "output_uri")
_WAITING = frozenset(
    {"Pending", "Starting", "LaunchingMLInstances", "PreparingTrainingStack", "Downloading"}
)
_TOO_LONG = frozenset({"MaxRuntimeExceeded", "MaxWaitTimeExceeded"})
_ENCODER_CHANNEL = "encoder"
_REASON_CHARACTERS = 500


class SageMakerLauncher:
    """Jobs of one account and region; a job's name is its training id with hyphens."""

    name = "sagemaker"

    def __init__(self, client: Any, settings: TrainingSettings) -> None:
        """Prepare the launcher.

        Args:
            client: a boto3 SageMaker client.
            settings: what jobs are made of.
        """
        self._client = client
        self._settings = settings

    def ready(self) -> None:
        """Raise UnavailableError where a setting is missing."""
        missing = [n for n in _NEEDED if not getattr(self._settings, f"training_{n}")]
        if missing:
            names = ", ".join(f"REVIEWLENS_TRAINING_{name.upper()}" for name in missing)
            raise UnavailableError(f"training is not set up here: {names} not set")

    def encoders(self) -> Collection[str]:
        """Names of the registered encoders, by the settings."""
        if not self._settings.training_encoders_uri:
            return frozenset()
        names = self._settings.training_encoders.split(",")
        return frozenset(name.strip() for name in names if name.strip())

    def rows(self) -> int:
        """Reviews of an epoch, by the settings."""
        return self._settings.training_rows

    def start(self, job: Job) -> None:
        """Create the job; see Launcher."""
        request = self.request(job)
        try:
            with _translate_errors():
                self._client.create_training_job(**request)
        except _NameTaken as error:
            # the answer to an earlier attempt may have been lost on its way
            with _translate_errors():
                found = self._client.describe_training_job(
                    TrainingJobName=request["TrainingJobName"]
                )
            if found.get("HyperParameters") != request["HyperParameters"]:
                told = f"another job is called {request['TrainingJobName']}; ask again"
                raise UnavailableError(told) from error

    def report(self, training_id: str) -> Report | None:
        """Describe the job; see Launcher."""
        try:
            with _translate_errors():
                found = self._client.describe_training_job(TrainingJobName=self._name(training_id))
        except _NotThere:
            return None
        return _report(found)

    def stop(self, training_id: str) -> None:
        """Stop the job; see Launcher."""
        try:
            with _translate_errors():
                self._client.stop_training_job(TrainingJobName=self._name(training_id))
        except (_NotThere, _Ended):
            return

    def request(self, job: Job) -> dict[str, Any]:
        """What CreateTrainingJob is asked for."""
        settings, name = self._settings, self._name(job.training_id)
        output = settings.training_output_uri.rstrip("/")
        longest = settings.training_max_seconds
        stopping = {"MaxRuntimeInSeconds": longest}
        if settings.training_spot:
            stopping["MaxWaitTimeInSeconds"] = longest + settings.training_spot_wait_seconds
        channels = {"train": settings.training_data_uri}
        model_name = job.parameters.model_name
        if model_name in self.encoders():
            root = settings.training_encoders_uri.rstrip("/")
            channels[_ENCODER_CHANNEL] = f"{root}/{model_name}/"
            model_name = f"/opt/ml/input/data/{_ENCODER_CHANNEL}"
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": settings.training_image_uri,
                "TrainingInputMode": "File",
                "MetricDefinitions": METRIC_DEFINITIONS,
            },
            "RoleArn": settings.training_role_arn,
            "HyperParameters": self._hyperparameters(job, model_name),
            "InputDataConfig": [_channel(*pair) for pair in channels.items()],
            "OutputDataConfig": {
                "S3OutputPath": f"{output}/models/",
                **_given(KmsKeyId=settings.training_key_arn),
            },
            "CheckpointConfig": {
                "S3Uri": f"{output}/checkpoints/{name}/",
                "LocalPath": "/opt/ml/checkpoints",
            },
            "ResourceConfig": {
                "InstanceType": settings.training_instance_type,
                "InstanceCount": settings.training_instance_count,
                "VolumeSizeInGB": settings.training_volume_gib,
                **_given(VolumeKmsKeyId=settings.training_volume_key_arn),
            },
            "EnableNetworkIsolation": settings.training_isolated,
            "StoppingCondition": stopping,
            "EnableManagedSpotTraining": settings.training_spot,
            "Tags": [{"Key": "reviewlens:environment", "Value": settings.environment}],
        }

    def _name(self, training_id: str) -> str:
        return self._settings.training_name_prefix + job_name(training_id)

    def _hyperparameters(self, job: Job, model_name: str) -> dict[str, str]:
        """JSON strings, as script mode reads them."""
        values = job.hyperparameters(model_name)
        values["sagemaker_program"] = self._settings.training_program
        if self._settings.training_source_uri:
            values["sagemaker_submit_directory"] = self._settings.training_source_uri
        return {name: json.dumps(value) for name, value in values.items()}


def job_name(training_id: str) -> str:
    """SageMaker's name of a run, but for its prefix: it allows letters, digits and hyphens."""
    return training_id.replace("_", "-")


def _given(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _channel(name: str, uri: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        "InputMode": "File",
    }


def _report(found: Mapping[str, Any]) -> Report:
    phase = found.get("SecondaryStatus")
    state = _state(found["TrainingJobStatus"], phase)
    reason = None
    if state is TrainingState.FAILED:
        reason = str(found.get("FailureReason") or phase or "the job failed")[:_REASON_CHARACTERS]
    progress = _progress(found, phase)
    if state is TrainingState.COMPLETED:  # of others it names a place as well, with nothing there
        uri = found.get("ModelArtifacts", {}).get("S3ModelArtifacts")
        progress = replace(progress, artefact_uri=uri)
    return Report(
        state=state,
        progress=progress,
        started_at=found.get("TrainingStartTime"),
        finished_at=found.get("TrainingEndTime") if state.is_final else None,
        failure_reason=reason,
    )


def _state(status: str, phase: str | None) -> TrainingState:
    if status == "Stopped":
        return TrainingState.FAILED if phase in _TOO_LONG else TrainingState.CANCELLED
    if status == "InProgress" and phase in _WAITING:
        return TrainingState.STARTED
    ended = {"Completed": TrainingState.COMPLETED, "Failed": TrainingState.FAILED}
    return ended.get(status, TrainingState.RUNNING)


def _progress(found: Mapping[str, Any], phase: str | None) -> Progress:
    values = found.get("FinalMetricDataList") or []
    return progress_of({entry["MetricName"]: entry["Value"] for entry in values}, phase)


class _NotThere(Exception):  # noqa: N818 - an answer, not a fault
    pass


class _NameTaken(Exception):  # noqa: N818
    pass


class _Ended(Exception):  # noqa: N818
    pass


def _translate_errors() -> AbstractContextManager[None]:
    return translate_aws_errors("SageMaker does not answer", _refusal)


def _refusal(code: str, message: str) -> Exception:
    if code == "ResourceInUse":
        return _NameTaken()
    if code in {"ValidationException", "ValidationError", "ResourceNotFound"}:
        if re.search(r"not find|not found", message, re.IGNORECASE):
            return _NotThere()
        if "in status" in message or "in Status" in message:
            return _Ended()
    return UnavailableError(f"SageMaker refused the request ({code})")
