"""HTTP routes of training."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Header, Path

from lambdas.training.dependencies import Dependencies, build_dependencies
from lambdas.training.service import Training
from shared.db.health import database_health
from shared.errors import ConflictError, UnavailableError
from shared.http.app import create_service, service_version
from shared.schemas.health import Check, Health
from shared.schemas.training import TRAINING_ID, TrainAccepted, TrainingStatus, TrainRequest

_MAX_BODY_BYTES = 100_000
TrainingId = Annotated[
    str,
    Path(
        pattern=TRAINING_ID,
        examples=["train_20251016_001"],
        description="Id of a run, as POST /train returns it. An unknown one is a 404.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=128,
        pattern=r"^[!-~]+$",
        description="A key of the caller's own, of visible characters. A request with a key that"
        " was used before starts nothing and returns the same run; with other parameters it is a"
        " 409.",
    ),
]


def create_app(get_dependencies: Callable[[], Dependencies] = build_dependencies) -> FastAPI:
    """Create the training app; the first request builds its dependencies."""

    def health() -> Health:
        return _health(get_dependencies())

    app = create_service(
        "training",
        title="Reviewlens training",
        health=health,
        start=get_dependencies,
        max_body_bytes=_MAX_BODY_BYTES,
    )

    @app.post("/train", status_code=202, tags=["training"])
    def train(
        request: TrainRequest | None = None, idempotency_key: IdempotencyKey = None
    ) -> TrainAccepted:
        """Start a run, or return the active run of an identical request.

        A 503 names what is missing for a run. On one machine only one run is active at a time: a
        second one with other parameters is a 409.
        """
        return Training(get_dependencies()).start(request or TrainRequest(), idempotency_key)

    @app.get("/status/{training_id}", tags=["training"])
    def status(training_id: TrainingId) -> TrainingStatus:
        """State of a run: epoch, metrics and outcome.

        Ask until `state` is `completed`, `failed` or `cancelled`.
        """
        return Training(get_dependencies()).status(training_id)

    @app.post("/status/{training_id}/cancel", status_code=202, tags=["training"])
    def cancel(training_id: TrainingId) -> TrainingStatus:
        """Cancel a run; its state becomes `cancelled` when its job has ended.

        Cancelling twice changes nothing. A run that has completed or failed is a 409.
        """
        return Training(get_dependencies()).cancel(training_id)

    return app


def _health(dependencies: Dependencies) -> Health:
    """Health of the database; a launcher that is not ready adds a detail, as /status works."""
    health = database_health(dependencies.database, "training", service_version())
    try:
        dependencies.launcher.check_ready()
        launcher = Check()
    except (ConflictError, UnavailableError) as error:
        launcher = Check(detail=error.message)
    return health.model_copy(update={"checks": {**health.checks, "launcher": launcher}})
