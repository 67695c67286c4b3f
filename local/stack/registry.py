"""The model registry of a running stack, and the resources that activation needs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from local.errors import LocalStackError
from local.names import (
    ARTEFACT_BUCKET,
    CLEAN_BUCKET,
    DATABASE_SECRET,
    QUEUES,
    queue_url,
    training_folder,
)
from local.stack.client import StackClient, connected
from local.stack.environment import PICTURE_MODEL
from local.state import StateFolder
from local.training.folder import find_run
from sagemaker_jobs.activate.dependencies import ActivationDependencies
from sagemaker_jobs.adapt.evaluation import base_of
from shared.db.connection import Database
from shared.db.training import TrainingRuns
from shared.errors import ArtefactError, InvalidInputError, NotFoundError, ReviewlensError
from shared.runtime.loader import second_model
from shared.runtime.pictures import read_picture_manifest
from shared.schemas.manifest import Manifest
from shared.settings.cascade import CascadeSettings
from shared.storage.objects import S3Store
from shared.storage.queues import SqsQueue
from shared.storage.secrets import read_secret


@contextmanager
def open_registry(state: StateFolder) -> Iterator[S3Store]:
    """The artefact bucket of the stack that runs on a folder.

    Raises:
        LocalStackError: no stack runs there, or an operation in the block failed.
    """
    with connected(state) as client, _convert_errors():
        yield S3Store(client.s3, ARTEFACT_BUCKET)


@contextmanager
def open_activation(state: StateFolder) -> Iterator[ActivationDependencies]:
    """The resources that activation needs from the stack on a folder; errors as open_registry."""
    with connected(state) as client, _convert_errors(), _database(client) as database:
        endpoint, settings = client.running.aws_url, CascadeSettings()
        (processing,) = (plan for plan in QUEUES if plan.name == "processing")
        yield ActivationDependencies(
            database=database,
            clean=S3Store(client.s3, CLEAN_BUCKET),
            artefacts=S3Store(client.s3, ARTEFACT_BUCKET),
            processing_queue=SqsQueue(client.aws("sqs"), queue_url(endpoint, processing.queue)),
            cache_dir=state.cache,
            second=second_model(
                settings.second_model,
                settings.second_model_below,
                S3Store(client.s3, ARTEFACT_BUCKET),
                state.cache,
                threads=1,
            ),
            picture_sha256=_picture_sha256(),
            refresh_seconds=float(os.environ.get("REVIEWLENS_POINTER_REFRESH_SECONDS", "5")),
        )


def _picture_sha256() -> str | None:
    """Hash of the picture model in this checkout; None if it is missing or damaged."""
    with suppress(ArtefactError):
        return read_picture_manifest(PICTURE_MODEL).graph_sha256
    return None


@contextmanager
def _database(client: StackClient) -> Iterator[Database]:
    secrets = client.aws("secretsmanager")
    database = Database(lambda: read_secret(secrets, DATABASE_SECRET))
    try:
        yield database
    finally:
        database.close()


def record_trained_version(dependencies: ActivationDependencies, manifest: Manifest) -> str | None:
    """Record the version of a model with the training run it came from; returns the run's id.

    Returns None if this stack did not train the model. Safe to call again after an error.

    Raises:
        UnavailableError: the database does not respond.
    """
    root = training_folder(dependencies.cache_dir)
    parameters = manifest.parameters
    # an adapted or fused model contains the training record of its base model
    training_id = None if base_of(manifest) else find_run(root, parameters.get("training"))
    if training_id is not None and TrainingRuns(dependencies.database).record_version(
        training_id, manifest.version
    ):
        return training_id
    return None


@contextmanager
def _convert_errors() -> Iterator[None]:
    """Convert errors of the application into errors for the terminal."""
    try:
        yield
    except ReviewlensError as error:
        is_usage_error = isinstance(error, InvalidInputError | NotFoundError)
        raise LocalStackError(error.message, exit_code=2 if is_usage_error else 1) from error
