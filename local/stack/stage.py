"""What activation works with, on a running stack: its buckets, database and queue."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from local.aws.resources import local_client
from local.errors import LocalStackError
from local.names import (
    ARTEFACT_BUCKET,
    CLEAN_BUCKET,
    DATABASE_SECRET,
    QUEUES,
    queue_url,
)
from local.stack.client import StackClient, connected
from local.state import StateFolder
from local.training.folder import run_of
from sagemaker_jobs.activate.dependencies import ActivationDependencies
from shared.db.connection import Database
from shared.db.training import TrainingRuns
from shared.errors import InvalidInputError, NotFoundError, ReviewlensError
from shared.schemas.manifest import Manifest
from shared.storage.objects import S3Store
from shared.storage.queues import SqsQueue
from shared.storage.secrets import read_secret


@contextmanager
def registry_of(state: StateFolder) -> Iterator[S3Store]:
    """The artefact bucket of the stack that runs on a folder.

    Raises:
        LocalStackError: none runs there, or what was asked of it failed.
    """
    with connected(state) as client, told():
        yield S3Store(client.s3, ARTEFACT_BUCKET)


@contextmanager
def stage_of(state: StateFolder) -> Iterator[ActivationDependencies]:
    """All that activation needs of the stack that runs on a folder; errors as in registry_of."""
    with connected(state) as client, told(), _database(client) as database:
        endpoint = client.running.aws_url
        (processing,) = (plan for plan in QUEUES if plan.name == "processing")
        yield ActivationDependencies(
            database=database,
            clean=S3Store(client.s3, CLEAN_BUCKET),
            artefacts=S3Store(client.s3, ARTEFACT_BUCKET),
            processing_queue=SqsQueue(
                local_client("sqs", endpoint), queue_url(endpoint, processing.queue)
            ),
            cache_dir=state.cache,
            refresh_seconds=float(os.environ.get("REVIEWLENS_POINTER_REFRESH_SECONDS", "5")),
        )


@contextmanager
def _database(client: StackClient) -> Iterator[Database]:
    secrets = local_client("secretsmanager", client.running.aws_url)
    database = Database(lambda: read_secret(secrets, DATABASE_SECRET))
    try:
        yield database
    finally:
        database.close()


def note_training(stage: ActivationDependencies, manifest: Manifest) -> str | None:
    """Let the status of a training tell the version that was made of it here; gives the run's id.

    None where the model was not trained by this stack. To be called again when it failed.

    Raises:
        UnavailableError: the database does not answer.
    """
    root = stage.cache_dir.with_name("training")
    told = manifest.parameters
    # an adapted model has the record of the one that it was adapted from
    training_id = None if "adapted_from" in told else run_of(root, told.get("training"))
    if training_id is not None and TrainingRuns(stage.database).note_version(
        training_id, manifest.version
    ):
        return training_id
    return None


@contextmanager
def told() -> Iterator[None]:
    """Faults of the application as faults for the person at the terminal."""
    try:
        yield
    except ReviewlensError as error:
        wrong_use = isinstance(error, InvalidInputError | NotFoundError)
        raise LocalStackError(error.message, exit_code=2 if wrong_use else 1) from error
