"""The environment of every function on this machine, as `reviewlens env` prints it."""

import os
from collections.abc import Mapping
from pathlib import Path

from local.names import (
    ARTEFACT_BUCKET,
    CLEAN_BUCKET,
    DATABASE_SECRET,
    QUEUES,
    RAW_BUCKET,
    REGION,
    REVIEWER_KEY_SECRET,
    queue_url,
)


def function_environment(endpoint: str, cache: Path) -> dict[str, str]:
    """Variables for the functions: names of resources, and where boto3 finds them."""
    queues = {
        f"REVIEWLENS_{plan.name.upper()}_QUEUE_URL": queue_url(endpoint, plan.queue)
        for plan in QUEUES
    }
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
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
        "REVIEWLENS_CACHE_DIR": str(cache),
        "REVIEWLENS_TRAINING_LAUNCHER": "local.training.launcher:launcher",
        "REVIEWLENS_TRAINING_DIR": str(Path(cache).with_name("training")),
        "REVIEWLENS_ENVIRONMENT": "local",
        **queues,
    }


def child_environment(outer: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """The user's environment with ours on top; settings that the user made stay.

    Those of AWS do not: profiles, roles and endpoint rules of the user's own account must not
    meet the local one.
    """
    kept = {name: value for name, value in outer.items() if not name.startswith("AWS_")}
    return kept | dict(ours)
