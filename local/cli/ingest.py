"""``reviewlens ingest``: upload dumps and follow them until they are indexed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.following import failure_times, follow, upload_bar
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from local.stack.client import StackClient, connected
from local.stack.uploads import Upload, copy_into_raw, parse_mapping, plan_uploads, send
from local.state import StateFolder

_COUNTS = ("rows_read", "stored", "duplicates", "rejected")


def ingest(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…|s3://…", help="Files, folders, or objects in the S3 of the stack."
        ),
    ],
    mapping: Annotated[
        str | None,
        typer.Option("--map", help="Columns of the dumps: field=column,…"),
    ] = None,
    prefix: Annotated[
        str, typer.Option(help="Folder below uploads/ for the files.", show_default=False)
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the reviews can be searched.")
    ] = True,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Upload review dumps and follow them until their reviews can be searched.

    Format, compression and columns are detected from the content. Other column names are mapped
    with --map, or by a mapping.json in the same folder. The exit status is 1 if a dump cannot be
    read; rejected rows alone do not count as a failure.

    Example: reviewlens ingest reviews.jsonl.gz --map text=Opinion,rating=Grade
    """
    try:
        with connected(StateFolder(state)) as client:
            failed_before = failure_times(client)
            started = datetime.now(UTC)
            ids = _send_all(client, sources, mapping, prefix)
            reports = follow(client, ids, failed_before) if wait else _queued(ids)
    except LocalStackError as error:
        fail(error)
    if as_json:
        print_json({"ingests": reports})
    else:
        show(reports)
        _show_unchanged(reports, started)
    if any(report["status"] == "failed" for report in reports):
        raise typer.Exit(1)


def _send_all(
    client: StackClient, sources: Sequence[str], mapping: str | None, prefix: str
) -> dict[str, str]:
    """Upload or copy everything; returns the key of each ingest, by id."""
    uris = [source for source in sources if source.startswith("s3://")]
    paths = [Path(source) for source in sources if not source.startswith("s3://")]
    if uris and (mapping or prefix):
        message = (
            "--map and --prefix work only with files; "
            "for s3:// objects, upload a mapping.json next to the object."
        )
        raise LocalStackError(message, exit_code=2)
    columns = parse_mapping(mapping) if mapping else None
    plan = plan_uploads(paths, prefix=prefix, mapping=columns) if paths else []
    ids: dict[str, str] = {}
    for uri in uris:
        ids |= copy_into_raw(client.s3, uri)
    if uris:
        client.post("/collect", {})
    return ids | send_uploads(client, plan)


def send_uploads(client: StackClient, plan: Sequence[Upload]) -> dict[str, str]:
    """Upload files one at a time; returns the key of each ingest, by id."""
    ids: dict[str, str] = {}
    for upload in plan:
        with upload_bar(upload.path.name, upload.size) as progress:
            ids[send(client.s3, upload, progress)] = upload.key
    return ids


def _queued(ids: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ingest_id": name, "key": key, "status": "queued"} for name, key in ids.items()]


def show(reports: Sequence[dict[str, Any]]) -> None:
    """Print one line per ingest, and why rows or whole objects were rejected."""
    out = console()
    table = Table("object", "status", *_COUNTS, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for report in reports:
        counts = [f"{report[name]:,}" if name in report else "" for name in _COUNTS]
        table.add_row(escape(report["key"]), report["status"], *counts)
    out.print(table)
    for report in reports:
        for reason, count in report.get("rejects_by_reason", {}).items():
            out.print(f"{report['key']}: {count:,} rejected as {reason}", markup=False)
        if report.get("error_code"):
            message = f"{report['key']}: {report['error_code']}: {report['error_detail']}"
            out.print(message, style="red", markup=False)
        for warning in report.get("warnings", []):
            out.print(f"{report['key']}: {warning}", markup=False)
        if report.get("rejected"):
            out.print(f"  rejected rows: GET /collect/{report['ingest_id']}/rejects", style="dim")


def _show_unchanged(reports: Sequence[dict[str, Any]], started: datetime) -> None:
    """Print which objects were not read again, because the same bytes were collected before."""
    for report in reports:
        finished = report.get("finished_at")
        if finished and datetime.fromisoformat(finished) < started:
            message = f"{report['key']}: already collected with the same content; nothing changed"
            console().print(message, markup=False)
