"""HTTP routes of collection."""

from typing import Annotated, TypeVar

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from lambdas.collection.dependencies import Dependencies, build_dependencies
from lambdas.collection.queueing import prefix_of, queue_objects
from lambdas.collection.settings import CollectionSettings
from lambdas.collection.sweep import IDLE_SECONDS
from lambdas.collection.uploads import UploadRequest, prepare_upload
from shared.db.health import database_health
from shared.errors import InvalidInputError, NotFoundError
from shared.http.app import create_service, service_version
from shared.schemas.collection import (
    CollectAccepted,
    IngestDetails,
    IngestList,
    RejectPage,
    UploadTarget,
)
from shared.schemas.health import Health

_FIRST_REJECTS = 20
_T = TypeVar("_T")
IngestId = Annotated[str, Path(max_length=64, examples=["ing_0123456789abcdef01234567"])]


class CollectRequest(BaseModel):
    """What to collect; everything below ``uploads/`` where nothing is said."""

    model_config = ConfigDict(extra="forbid")

    source: str | None = Field(None, max_length=1024, examples=["s3"])
    prefix: str | None = Field(None, max_length=1024, examples=["uploads/2024/"])


def create_app(dependencies: Dependencies | None = None) -> FastAPI:
    """Make the collection app; its dependencies are made at the first request."""

    def needed() -> Dependencies:
        return dependencies or build_dependencies(CollectionSettings())

    def health() -> Health:
        return database_health(needed().database, "collection", service_version())

    app = create_service("collection", title="Reviewlens collection", health=health)

    @app.post("/collect", status_code=202, tags=["collection"])
    def collect(request: CollectRequest | None = None) -> CollectAccepted:
        """Queue the dumps that lie in the raw bucket and are not collected yet."""
        asked = request or CollectRequest()
        ports = needed()
        prefix = prefix_of(ports.raw.bucket, asked.source, asked.prefix)
        queued = queue_objects(ports, prefix, idle_seconds=IDLE_SECONDS, retry_failed=True)
        return CollectAccepted(
            ingest_id=queued[0] if queued else None, ingest_ids=queued, objects=len(queued)
        )

    @app.post("/uploads", tags=["collection"])
    def uploads(request: UploadRequest) -> UploadTarget:
        """Sign an upload: the form that puts one dump into the raw bucket."""
        return prepare_upload(needed(), request)

    @app.get("/collect", tags=["collection"])
    def recent(
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        key: Annotated[
            str | None, Query(max_length=1024, description="ingests of this object alone")
        ] = None,
    ) -> IngestList:
        """The newest ingests with their counts."""
        if key is None:
            return IngestList(ingests=needed().ledger.recent(limit))
        if "\0" in key:
            raise InvalidInputError("no key has a NUL", details={"field": "key"})
        ports = needed()
        return IngestList(ingests=ports.ledger.of_key(ports.raw.bucket, key, limit))

    @app.get("/collect/{ingest_id}", tags=["collection"])
    def report(ingest_id: IngestId) -> IngestDetails:
        """Counts of one ingest, live: rows read = stored + duplicates + rejected."""
        ledger = needed().ledger
        found = _known(ledger.report(_plain(ingest_id)))
        rejects = ledger.rejects(ingest_id, limit=_FIRST_REJECTS) if found.rejected else []
        return IngestDetails(**found.model_dump(), rejects=rejects)

    @app.get("/collect/{ingest_id}/rejects", tags=["collection"])
    def rejects(
        ingest_id: IngestId,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> RejectPage:
        """Refused rows: where they stand, why, and what they said."""
        ledger = needed().ledger
        _known(ledger.status_of(_plain(ingest_id)))
        found = ledger.rejects(ingest_id, after=after, limit=limit)
        return RejectPage(
            rejects=found, next_after=found[-1].record if len(found) == limit else None
        )

    return app


def _plain(ingest_id: str) -> str:
    # PostgreSQL refuses a NUL; no id has one
    return "" if "\0" in ingest_id else ingest_id


def _known(found: _T | None) -> _T:
    if found is None:
        raise NotFoundError("there is no such ingest")
    return found
