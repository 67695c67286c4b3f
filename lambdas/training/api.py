"""HTTP routes of training."""

from typing import Annotated

from fastapi import FastAPI, Header, Path

from lambdas.training.dependencies import Dependencies, build_dependencies
from lambdas.training.service import Training
from lambdas.training.settings import TrainingSettings
from shared.db.health import database_health
from shared.errors import ConflictError, UnavailableError
from shared.http.app import create_service, service_version
from shared.schemas.health import Check, Health
from shared.schemas.training import TRAINING_ID, TrainAccepted, TrainingStatus, TrainRequest

_MAX_BODY_BYTES = 100_000
TrainingId = Annotated[str, Path(pattern=TRAINING_ID, examples=["train_20251016_001"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=128,
        pattern=r"^[!-~]+$",
        description="a repetition with the same key starts nothing and answers as before",
    ),
]


def create_app(dependencies: Dependencies | None = None) -> FastAPI:
    """Make the training app; its dependencies are made at the first request."""

    def needed() -> Dependencies:
        return dependencies or build_dependencies(TrainingSettings())

    def health() -> Health:
        return _health(needed())

    app = create_service(
        "training", title="Reviewlens training", health=health, max_body_bytes=_MAX_BODY_BYTES
    )

    @app.post("/train", status_code=202, tags=["training"])
    def train(
        request: TrainRequest | None = None, idempotency_key: IdempotencyKey = None
    ) -> TrainAccepted:
        """Start a training, unless the same request has started one that is not done yet."""
        return Training(needed()).start(request or TrainRequest(), idempotency_key)

    @app.get("/status/{training_id}", tags=["training"])
    def status(training_id: TrainingId) -> TrainingStatus:
        """Where a training stands: epoch, metrics so far, what became of it."""
        return Training(needed()).status(training_id)

    @app.post("/status/{training_id}/cancel", status_code=202, tags=["training"])
    def cancel(training_id: TrainingId) -> TrainingStatus:
        """Stop a training; its state is `cancelled` as soon as its job has ended."""
        return Training(needed()).cancel(training_id)

    return app


def _health(ports: Dependencies) -> Health:
    """State of the database; that nothing can be trained now is a remark: /status answers."""
    found = database_health(ports.database, "training", service_version())
    try:
        ports.launcher.ready()
        launcher = Check()
    except (ConflictError, UnavailableError) as error:
        launcher = Check(detail=error.message)
    return found.model_copy(update={"checks": {**found.checks, "launcher": launcher}})
