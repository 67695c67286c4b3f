"""CreateProcessingJob requests of the candidate job and the activation job.

SageMaker copies inputs from S3 below /opt/ml/processing and uploads the outputs; the jobs' default
paths match (sagemaker_jobs/candidate/config.py).
"""

from typing import Any

from lambdas.promotion.settings import PromotionSettings

_ROOT = "/opt/ml/processing"
_ACTIVATION_SETTINGS = (
    *("artefact_bucket", "clean_bucket", "processing_queue_url", "database_secret_id"),
    *("database_host", "database_port", "database_name", "database_user"),
    *("database_ca_file", "second_model", "second_model_below"),
)
"""Settings that are passed on to the activation job."""


def candidate_request(
    settings: PromotionSettings, inputs: dict[str, str], output_uri: str
) -> dict[str, Any]:
    """Request for export, evaluation and gate.

    Args:
        settings: image, role and instance of the job.
        inputs: name of a folder below input/ → S3 prefix or object.
        output_uri: S3 prefix of the output.
    """
    output = {"S3Uri": output_uri, "LocalPath": f"{_ROOT}/output", "S3UploadMode": "EndOfJob"}
    outputs: dict[str, Any] = {"Outputs": [{"OutputName": "candidate", "S3Output": output}]}
    if settings.jobs_kms_key:
        outputs["KmsKeyId"] = settings.jobs_kms_key
    return {
        "AppSpecification": {
            "ImageUri": settings.candidate_image_uri,
            "ContainerEntrypoint": ["python", "-m", "sagemaker_jobs.candidate"],
            "ContainerArguments": ["--splits", settings.candidate_splits],
        },
        "RoleArn": settings.candidate_role_arn,
        "ProcessingInputs": [_input(name, uri) for name, uri in inputs.items()],
        "ProcessingOutputConfig": outputs,
        "NetworkConfig": {"EnableNetworkIsolation": True},
        **_common(settings, settings.candidate_instance_type, settings.candidate_max_seconds),
    }


def activation_request(settings: PromotionSettings, version: str, region: str) -> dict[str, Any]:
    """Request for scoring, the index build and moving both pointers.

    Args:
        settings: image, role and instance of the job, and its environment.
        version: a registered version.
        region: the AWS region, which boto3 cannot detect in the container.
    """
    request = {
        "AppSpecification": {
            "ImageUri": settings.activation_image_uri,
            "ContainerEntrypoint": ["python", "-m", "sagemaker_jobs.activate"],
            "ContainerArguments": ["--model-version", version, "--threads", "2"],
        },
        "RoleArn": settings.activation_role_arn,
        "Environment": _environment(settings, region),
        **_common(settings, settings.activation_instance_type, settings.activation_max_seconds),
    }
    if settings.activation_subnets:
        request["NetworkConfig"] = {
            "VpcConfig": {
                "Subnets": _split_names(settings.activation_subnets),
                "SecurityGroupIds": _split_names(settings.activation_security_groups),
            }
        }
    return request


def _environment(settings: PromotionSettings, region: str) -> dict[str, str]:
    """Environment variables of the job, named like those of the functions."""
    values = {name: getattr(settings, name) for name in _ACTIVATION_SETTINGS}
    return {"AWS_DEFAULT_REGION": region} | {
        f"REVIEWLENS_{name.upper()}": str(value)
        for name, value in values.items()
        if value not in ("", None)
    }


def _common(settings: PromotionSettings, instance: str, max_seconds: int) -> dict[str, Any]:
    cluster: dict[str, Any] = {
        "InstanceCount": 1,
        "InstanceType": instance,
        "VolumeSizeInGB": settings.jobs_volume_gib,
    }
    if settings.jobs_kms_key:
        cluster["VolumeKmsKeyId"] = settings.jobs_kms_key
    return {
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": max_seconds},
        "Tags": [{"Key": "reviewlens:environment", "Value": settings.environment}],
    }


def _input(name: str, uri: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{_ROOT}/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def _split_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
