"""What CreateProcessingJob is asked for: the job that makes a candidate, and that which activates.

A processing job takes a new folder from S3 below /opt/ml/processing and puts one back; the jobs'
defaults name the same places (sagemaker_jobs/candidate/config.py).
"""

from typing import Any

from lambdas.promotion.settings import PromotionSettings

_ROOT = "/opt/ml/processing"
_SHARED = (
    *("artefact_bucket", "clean_bucket", "processing_queue_url", "database_secret_id"),
    *("database_host", "database_port", "database_name", "database_user", "database_tls"),
    "database_ca_file",
)
"""Settings that the activation job has in common with the functions."""


def candidate(
    settings: PromotionSettings, inputs: dict[str, str], output_uri: str
) -> dict[str, Any]:
    """Export, evaluation and gate.

    Args:
        settings: what the job is made of.
        inputs: name of a folder below input/ → S3 prefix or object.
        output_uri: S3 prefix of what comes out.
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


def activation(settings: PromotionSettings, version: str, region: str) -> dict[str, Any]:
    """Scoring, index and the move of both pointers.

    Args:
        settings: what the job is made of, and what it works with.
        version: a registered version.
        region: of AWS; boto3 in the container does not find it by itself.
    """
    made = {
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
        made["NetworkConfig"] = {
            "VpcConfig": {
                "Subnets": _names(settings.activation_subnets),
                "SecurityGroupIds": _names(settings.activation_security_groups),
            }
        }
    return made


def _environment(settings: PromotionSettings, region: str) -> dict[str, str]:
    """The variables of the functions, as far as the job has a part in them."""
    given = {f"REVIEWLENS_{name.upper()}": str(getattr(settings, name)) for name in _SHARED}
    return {"AWS_DEFAULT_REGION": region} | {name: value for name, value in given.items() if value}


def _common(settings: PromotionSettings, instance: str, longest: int) -> dict[str, Any]:
    cluster: dict[str, Any] = {
        "InstanceCount": 1,
        "InstanceType": instance,
        "VolumeSizeInGB": settings.jobs_volume_gib,
    }
    if settings.jobs_kms_key:
        cluster["VolumeKmsKeyId"] = settings.jobs_kms_key
    return {
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": longest},
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


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
