"""HTTP routes of collection."""

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Path, Query, Request
from pydantic import ConfigDict, Field, TypeAdapter

from lambdas.collection.dependencies import Dependencies, build_dependencies
from lambdas.collection.exclude.routes import add_exclusion_routes
from lambdas.collection.queueing import Queued, queue_object, queue_objects, upload_prefix
from lambdas.collection.sweep import IDLE_SECONDS
from lambdas.collection.undo.requests import request_undo
from lambdas.collection.uploads import (
    ColumnMapping,
    PreviewRequest,
    UploadRequest,
    prepare_upload,
    preview_upload,
)
from shared.db.health import database_health
from shared.db.ingest.undo import undo_state
from shared.db.ingest.unfinished import add_backlog
from shared.errors import InvalidInputError, NotFoundError
from shared.http.app import create_service, service_version
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import fit_page
from shared.schemas.collection import (
    DEFAULT_INGESTS,
    CollectAccepted,
    IngestDetails,
    IngestList,
    RejectPage,
    UploadTarget,
)
from shared.schemas.documented import Documented
from shared.schemas.health import Health
from shared.schemas.ingest import IngestReport, IngestStatus
from shared.schemas.preview import Preview
from shared.schemas.undo import Receipt, UndoState
from shared.schemas.values import QUERY_INTEGER, PlainText, QueryCursor
from shared.storage.layout import MAPPING_NAME, UPLOADS

_REPORTED_REJECTS = 20
_QUEUEING_SECONDS = 15.0
"""Time for queueing objects in one request; API Gateway waits 29 seconds."""
_MAX_QUEUED = 100_000
"""Their ids fit into one answer."""
_INGEST: TypeAdapter[str] = TypeAdapter(str)
_T = TypeVar("_T")
DumpKey = Annotated[
    PlainText,
    Field(
        json_schema_extra={
            "pattern": rf"^{UPLOADS}([^\u0000]*[^/\u0000])$",
            "not": {"pattern": rf"(^|/|\.){re.escape(MAPPING_NAME)}$"},
        }
    ),
]
IngestId = Annotated[
    str,
    Path(
        max_length=64,
        examples=["ing_0123456789abcdef01234567"],
        description="Id of an ingest, as POST /collect and GET /collect return it. An unknown one"
        " is a 404.",
    ),
]


def _one_way_to_choose(schema: dict[str, Any]) -> None:
    """Add to the schema what ``_queue`` refuses: a key with a search, a mapping without a key."""
    null = {"type": "null"}
    search = {"properties": {"key": null, "mapping": null}}
    one: dict[str, Any] = dict.fromkeys(("source", "prefix", "after"), null)
    one["key"] = {"type": "string"}
    schema["anyOf"] = [search, {"properties": one, "required": ["key"]}]


class CollectRequest(Documented):
    """What to collect: one object by ``key``, or by default everything below ``uploads/``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_one_way_to_choose)

    source: PlainText | None = Field(None, max_length=1024, examples=["s3"])
    """Where to look: ``s3``, or ``s3://`` with the raw bucket and perhaps a prefix. Null: the raw
    bucket."""
    prefix: PlainText | None = Field(None, max_length=1024, examples=["uploads/2024/"])
    """Only objects whose keys begin so, with or without ``uploads/``. Null: all uploads."""
    after: PlainText | None = Field(None, max_length=1024)
    """Only objects whose keys follow this one: ``next_after`` of the previous response. Null: from
    the first."""
    key: DumpKey | None = Field(None, max_length=1024, examples=["uploads/reviews.csv"])
    """Key of the one object to collect, instead of a search by the fields above."""
    mapping: ColumnMapping | None = None
    """Columns of the fields of the object at ``key``, stored beside it; one that was collected with
    another mapping is read again. Null leaves the mapping there as it is."""


def create_app(get_dependencies: Callable[[], Dependencies] = build_dependencies) -> FastAPI:
    """Create the collection app; the first request builds its dependencies."""

    def health() -> Health:
        database = get_dependencies().database
        return add_backlog(database_health(database, "collection", service_version()), database)

    app = create_service(
        "collection", title="Reviewlens collection", health=health, start=get_dependencies
    )

    @app.post("/collect", status_code=202, tags=["collection"])
    def collect(request: CollectRequest | None = None) -> CollectAccepted:
        """Queue the dumps in the raw bucket that are not collected yet.

        An upload starts its ingest by itself; this is for objects that were missed or failed.
        With `key`, one object is collected, perhaps with another mapping. The answer comes at
        once, the work is done in the background.
        """
        request = request or CollectRequest()
        dependencies = get_dependencies()
        queued = _queue(dependencies, request)
        ids = queued.ingest_ids
        return CollectAccepted(
            ingest_id=ids[0] if ids else None,
            ingest_ids=ids,
            objects=len(ids),
            next_after=queued.next_after,
        )

    @app.post("/uploads", tags=["collection"])
    def uploads(request: UploadRequest, http: Request) -> UploadTarget:
        """Sign a form that uploads one dump to the raw bucket.

        Send the form to `url` within 15 minutes: first all `fields`, then the bytes as `file`.
        The upload starts its ingest.
        """
        return prepare_upload(get_dependencies(), request, base_url=str(http.base_url))

    @app.post("/uploads/preview", tags=["collection"])
    def preview(request: PreviewRequest) -> Preview:
        """Show how the beginning of a dump would be read; nothing is stored.

        If the column of the text or the rating is not clear, the answer has the columns and an
        `error_code`, so that a mapping can be sent. A file that cannot be read is a 422.
        """
        return preview_upload(request)

    @app.get("/collect", tags=["collection"])
    def recent(
        limit: Annotated[
            int,
            Query(ge=1, le=200, description="Most ingests of the answer, 1 to 200."),
            QUERY_INTEGER,
        ] = DEFAULT_INGESTS,
        key: Annotated[
            PlainText | None,
            Query(
                max_length=1024,
                description="Only ingests of the object with this key, one for each version of it.",
            ),
        ] = None,
        cursor: QueryCursor = None,
    ) -> IngestList:
        """List the newest ingests with their counts.

        An ingest is one version of one uploaded object.
        """
        after = decode_cursor(_INGEST, cursor) if cursor else None
        ledger, bucket = get_dependencies().ledger, get_dependencies().raw.bucket
        if key is None:
            reports = ledger.recent(limit + 1, after)
        else:
            reports = ledger.of_object(bucket, key, limit + 1, after)
        page, has_more = fit_page(reports, limit)
        last = encode_cursor(_INGEST, page[-1].ingest_id) if has_more else None
        return IngestList(ingests=page, next_cursor=last)

    @app.get("/collect/{ingest_id}", tags=["collection"])
    def report(ingest_id: IngestId) -> IngestDetails:
        """Live counts of one ingest: rows read = stored + duplicates + rejected.

        They are sums over committed batches, so the equation also holds while the ingest runs.
        """
        ledger = get_dependencies().ledger
        report = _require(ledger.report(_without_nul(ingest_id)))
        rejects = ledger.rejects(ingest_id, limit=_REPORTED_REJECTS) if report.rejected else []
        receipt = _receipt(get_dependencies(), report)
        return IngestDetails(**report.model_dump(), rejects=rejects, undo=receipt)

    @app.delete("/collect/{ingest_id}", status_code=202, tags=["collection"])
    def undo(ingest_id: IngestId) -> UndoState:
        """Undo an upload: remove everything that came from it.

        The work is done in the background. Repeating the request changes nothing and returns how
        far it is. Rows that other uploads have as well stay as theirs.
        """
        return request_undo(get_dependencies(), _without_nul(ingest_id))

    add_exclusion_routes(app, get_dependencies)

    @app.get("/collect/{ingest_id}/rejects", tags=["collection"])
    def rejects(
        ingest_id: IngestId,
        after: Annotated[
            int,
            Query(
                ge=0,
                le=2**62,
                description="Only rows with a larger record number: `next_after` of the page"
                " before. 0: from the first.",
            ),
            QUERY_INTEGER,
        ] = 0,
        limit: Annotated[
            int,
            Query(ge=1, le=1000, description="Most rows of the answer, 1 to 1,000."),
            QUERY_INTEGER,
        ] = 100,
    ) -> RejectPage:
        """List rejected rows: their position, the reason and the raw text.

        They are in the order of their records.
        """
        ledger = get_dependencies().ledger
        _require(ledger.status(_without_nul(ingest_id)))
        page, has_more = fit_page(ledger.rejects(ingest_id, after=after, limit=limit + 1), limit)
        return RejectPage(rejects=page, next_after=page[-1].record if has_more else None)

    return app


def _queue(dependencies: Dependencies, request: CollectRequest) -> Queued:
    if request.key is not None:
        if any(each is not None for each in (request.source, request.prefix, request.after)):
            message = "set key alone, without source, prefix and after"
            raise InvalidInputError(message, details={"field": "key"})
        return Queued(queue_object(dependencies, request.key, request.mapping), None)
    if request.mapping is not None:
        message = "a mapping needs the key of its object"
        raise InvalidInputError(message, details={"field": "mapping"})
    prefix = upload_prefix(dependencies.raw.bucket, request.source, request.prefix)
    return queue_objects(
        dependencies,
        prefix,
        idle_seconds=IDLE_SECONDS,
        retry_failed=True,
        after=request.after or "",
        budget_seconds=_QUEUEING_SECONDS,
        max_objects=_MAX_QUEUED,
    )


def _receipt(dependencies: Dependencies, report: IngestReport) -> Receipt | None:
    if report.status not in (IngestStatus.UNDOING, IngestStatus.UNDONE):
        return None
    state = undo_state(dependencies.database, report.ingest_id)
    return state.undo if state else None


def _without_nul(ingest_id: str) -> str:
    # PostgreSQL refuses NUL, and no ingest id contains one
    return "" if "\0" in ingest_id else ingest_id


def _require(ingest: _T | None) -> _T:
    if ingest is None:
        raise NotFoundError("ingest not found")
    return ingest
