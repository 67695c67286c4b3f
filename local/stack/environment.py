"""Environment variables of the functions on this machine; `reviewlens env` prints them."""

import os
from collections.abc import Mapping
from pathlib import Path

from local.credentials import AwsKeys
from local.names import (
    ARTEFACT_BUCKET,
    CLEAN_BUCKET,
    DATABASE_SECRET,
    IMAGE_FETCH_FUNCTION,
    QUEUES,
    RAW_BUCKET,
    REGION,
    REVIEWER_KEY_SECRET,
    queue_url,
    training_folder,
)

TOKEN_VARIABLE = "REVIEWLENS_GATEWAY_TOKEN"  # noqa: S105 - the name of a variable
"""Variable with the token that the gateway asks for; empty or absent: it asks for none."""
PICTURE_MODEL = Path(__file__).resolve().parents[2] / "models" / "pictures"
"""The picture model of a checkout; there is none elsewhere."""


def function_environment(endpoint: str, cache: Path, keys: AwsKeys) -> dict[str, str]:
    """Variables of the functions: resource names, and the endpoint and credentials for boto3."""
    queues = {
        f"REVIEWLENS_{plan.name.upper()}_QUEUE_URL": queue_url(endpoint, plan.queue)
        for plan in QUEUES
    }
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "REVIEWLENS_RAW_BUCKET": RAW_BUCKET,
        "REVIEWLENS_CLEAN_BUCKET": CLEAN_BUCKET,
        "REVIEWLENS_ARTEFACT_BUCKET": ARTEFACT_BUCKET,
        "REVIEWLENS_DATABASE_SECRET_ID": DATABASE_SECRET,
        "REVIEWLENS_REVIEWER_KEY_SECRET_ID": REVIEWER_KEY_SECRET,
        "REVIEWLENS_IMAGE_FETCH_FUNCTION": IMAGE_FETCH_FUNCTION,
        "REVIEWLENS_PICTURE_MODEL_DIR": str(PICTURE_MODEL) if PICTURE_MODEL.is_dir() else "",
        "REVIEWLENS_CACHE_DIR": str(cache),
        "REVIEWLENS_TRAINING_LAUNCHER": "local.training.launcher:launcher",
        "REVIEWLENS_TRAINING_DIR": str(training_folder(Path(cache))),
        "REVIEWLENS_ENVIRONMENT": "local",
        "REVIEWLENS_EVENT_BUS": "default",
        **queues,
    }


def child_environment(inherited: Mapping[str, str], overrides: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without its AWS variables, with overrides applied.

    Profiles, roles and endpoint rules of the user's own AWS account must not affect the local one.
    """
    others = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
    return others | dict(overrides)
