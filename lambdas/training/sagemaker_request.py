"""CreateTrainingJob requests."""

import json
from typing import Any

from lambdas.training.launcher import Job
from lambdas.training.settings import TrainingSettings
from shared.schemas.training_log import METRIC_DEFINITIONS

_ENCODER_CHANNEL = "encoder"


def job_name(training_id: str) -> str:
    """Name of a run's SageMaker job without prefix; only letters, digits and hyphens are valid."""
    return training_id.replace("_", "-")


def registered_encoders(settings: TrainingSettings) -> frozenset[str]:
    """Names of the encoders registered in the settings."""
    if not settings.training_encoders_uri:
        return frozenset()
    names = settings.training_encoders.split(",")
    return frozenset(name.strip() for name in names if name.strip())


def build_request(settings: TrainingSettings, job: Job) -> dict[str, Any]:
    """Build the CreateTrainingJob request of a job."""
    name = settings.training_name_prefix + job_name(job.training_id)
    output = settings.training_output_uri.rstrip("/")
    channels, model_name = _channels(settings, job)
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": settings.training_image_uri,
            "TrainingInputMode": "File",
            "MetricDefinitions": METRIC_DEFINITIONS,
        },
        "RoleArn": settings.training_role_arn,
        "HyperParameters": _hyperparameters(settings, job, model_name),
        "InputDataConfig": [_channel(*pair) for pair in channels.items()],
        "OutputDataConfig": {
            "S3OutputPath": f"{output}/models/",
            **_without_empty(KmsKeyId=settings.training_key_arn),
        },
        "CheckpointConfig": {
            "S3Uri": f"{output}/checkpoints/{name}/",
            "LocalPath": "/opt/ml/checkpoints",
        },
        "ResourceConfig": {
            "InstanceType": settings.training_instance_type,
            "InstanceCount": settings.training_instance_count,
            "VolumeSizeInGB": settings.training_volume_gib,
            **_without_empty(VolumeKmsKeyId=settings.training_volume_key_arn),
        },
        "EnableNetworkIsolation": settings.training_isolated,
        "StoppingCondition": _stopping_condition(settings),
        "EnableManagedSpotTraining": settings.training_spot,
        "Tags": [{"Key": "reviewlens:environment", "Value": settings.environment}],
    }


def _channels(settings: TrainingSettings, job: Job) -> tuple[dict[str, str], str]:
    """S3 URIs of the input channels by name, and the encoder as the container finds it."""
    channels = {"train": settings.training_data_uri}
    model_name = job.parameters.model_name
    if model_name in registered_encoders(settings):
        root = settings.training_encoders_uri.rstrip("/")
        channels[_ENCODER_CHANNEL] = f"{root}/{model_name}/"
        model_name = f"/opt/ml/input/data/{_ENCODER_CHANNEL}"
    return channels, model_name


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


def _stopping_condition(settings: TrainingSettings) -> dict[str, int]:
    max_seconds = settings.training_max_seconds
    condition = {"MaxRuntimeInSeconds": max_seconds}
    if settings.training_spot:
        condition["MaxWaitTimeInSeconds"] = max_seconds + settings.training_spot_wait_seconds
    return condition


def _hyperparameters(settings: TrainingSettings, job: Job, model_name: str) -> dict[str, str]:
    """JSON strings, as script mode expects."""
    values = job.hyperparameters(model_name)
    values["sagemaker_program"] = settings.training_program
    if settings.training_source_uri:
        values["sagemaker_submit_directory"] = settings.training_source_uri
    return {name: json.dumps(value) for name, value in values.items()}


def _without_empty(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
