"""HTTP routes of processing."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI
from pydantic import ConfigDict, Field

from lambdas.processing.dependencies import Dependencies, build_dependencies
from lambdas.processing.service import Processor
from shared.errors import ArtefactError, UnavailableError
from shared.http.app import create_service, service_version
from shared.schemas.documented import Documented
from shared.schemas.health import Check, Health, worst_status
from shared.schemas.processing import ProcessAccepted


class ProcessRequest(Documented):
    """Which ingest has shards that no model has processed."""

    model_config = ConfigDict(extra="forbid")

    ingest_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """Id of a collected ingest, as POST /collect and GET /collect return it."""


def create_app(get_dependencies: Callable[[], Dependencies] = build_dependencies) -> FastAPI:
    """Create the processing app; the first request builds its dependencies."""

    def health() -> Health:
        return _health(get_dependencies())

    app = create_service(
        "processing",
        title="Reviewlens processing",
        health=health,
        start=get_dependencies,
    )

    @app.post("/process", status_code=202, tags=["processing"])
    def process(request: ProcessRequest) -> ProcessAccepted:
        """Queue the shards of an ingest that no model has processed, failed ones included.

        Failed ones get new attempts. Collecting queues shards by itself, so this is for those
        that failed. While the ingest is being collected, the answer is a 409.
        """
        shards = Processor(get_dependencies()).queue(request.ingest_id)
        message = f"{shards} shards queued" if shards else "all shards are processed"
        return ProcessAccepted(message=message, ingest_id=request.ingest_id, shards=shards)

    return app


def _health(dependencies: Dependencies) -> Health:
    checks = {"database": Check(), "model": Check()}
    version = None
    try:
        dependencies.database.ping()
    except UnavailableError as error:
        checks["database"] = Check(status="unavailable", detail=error.message)
    try:
        model = dependencies.current_model()
        version = model.version
        if model.problem:
            checks["model"] = Check(status="degraded", detail=model.problem)
    except (UnavailableError, ArtefactError) as error:
        checks["model"] = Check(status="unavailable", detail=error.message)
    if dependencies.second is not None:
        dependencies.second.cascade()
        problem = dependencies.second.problem
        checks["second_model"] = Check(status="degraded" if problem else "ok", detail=problem)
    return Health(
        status=worst_status(checks),
        service="processing",
        version=service_version(),
        model_version=version,
        checks=checks,
    )
