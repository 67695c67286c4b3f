"""``reviewlens ingest``: upload dumps and follow them until they are indexed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.failed_shards import describe_failed
from local.cli.ingest_remote import ingest_over_api
from local.cli.output import console, fail, notes, print_json
from local.dumps import parse_mapping
from local.errors import LocalStackError
from local.state import StateFolder
from reviewlens.models import IngestReport, IngestStatus

_FAILED, _WARNINGS = 1, 3
_COUNTS = ("rows_read", "stored", "duplicates", "rejected")
_MODEL_LANGUAGE = "en"


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
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show how files would be read; store nothing."),
    ] = False,
    limit_mb: Annotated[
        int,
        typer.Option(min=1, help="With --dry-run: megabytes to read of each file."),
    ] = 64,
    max_reject_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Largest share of rejected rows of a dump without status 3; by default that of the"
            " stack, a fifth.",
        ),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Upload review dumps and follow them until their reviews can be searched.

    Format, compression and columns are detected from the content. Other column names are mapped
    with --map, or by a mapping.json in the same folder. Over an API (--api-url), files are sent in
    signed uploads and followed until their reviews are processed.

    Exit status: 0 if all dumps were ingested; 1 if one failed, because it cannot be read, all its
    rows were rejected or a part could not be processed; 2 for invalid arguments; 3 if more than a
    fifth of the rows were rejected (or than --max-reject-share);
    130 after Ctrl-C, which ends only the waiting.

    --dry-run reads files without a running stack and shows format, mapping, ten rows and rejects.

    Example: reviewlens ingest reviews.jsonl.gz --map text=Opinion,rating=Grade
    """
    started = datetime.now(UTC)
    if dry_run:
        raise typer.Exit(
            _dry_run(sources, mapping, limit_mb=limit_mb, share=max_reject_share, as_json=as_json)
        )
    try:
        queued, reports = _ingest(sources, mapping, prefix, state, api_url, wait=wait)
    except LocalStackError as error:
        fail(error)
    except KeyboardInterrupt:
        _show_what_continues(api_url)
        raise
    if as_json:
        print_json({"ingests": reports if wait else queued})
    elif wait:
        show(reports)
        _show_unchanged(reports, started)
    else:
        _show_queued(queued)
    if as_json:
        _show_problems(reports)
    if exit_status := _exit_status(reports, max_reject_share):
        raise typer.Exit(exit_status)


def _dry_run(
    sources: Sequence[str],
    mapping: str | None,
    *,
    limit_mb: int,
    share: float | None,
    as_json: bool,
) -> int:
    try:
        from local.cli.dry_run import preview_files
    except ModuleNotFoundError as error:
        message = f"--dry-run needs {error.name}: pip install 'reviewlens[local]'."
        fail(LocalStackError(message, exit_code=2))
    return preview_files(
        sources, mapping, limit_mb=limit_mb, max_reject_share=share, as_json=as_json
    )


def _exit_status(reports: Sequence[IngestReport], max_reject_share: float | None) -> int:
    statuses = {report.status for report in reports}
    if IngestStatus.FAILED in statuses or any(report.shards_failed for report in reports):
        return _FAILED
    if max_reject_share is not None:
        exceeded = any(each.rejected > max_reject_share * each.rows_read for each in reports)
        return _WARNINGS if exceeded else 0
    return _WARNINGS if IngestStatus.PROCESSED_WITH_WARNINGS in statuses else 0


def _ingest(
    sources: Sequence[str],
    mapping: str | None,
    prefix: str,
    state: Path,
    api_url: str | None,
    *,
    wait: bool,
) -> tuple[list[dict[str, str]], list[IngestReport]]:
    """Ingest over the API or into the stack; returns what was queued, and the reports."""
    columns = parse_mapping(mapping) if mapping else None
    if api_url:
        if prefix:
            message = "--prefix works only with a stack on this machine: an API chooses the folder."
            raise LocalStackError(message, exit_code=2)
        keys, reports = ingest_over_api(api_url, state, sources, mapping=columns, wait=wait)
        return [{"key": key, "status": "queued"} for key in keys], reports
    StateFolder(state).require_running()
    from local.cli.ingest_local import ingest_sources  # needs the extra `local`

    ids, reports = ingest_sources(state, sources, mapping=columns, prefix=prefix, wait=wait)
    queued = [{"ingest_id": name, "key": key, "status": "queued"} for name, key in ids.items()]
    return queued, reports


def show(reports: Sequence[IngestReport]) -> None:
    """Print one line per ingest, and why rows or whole objects were rejected."""
    out = console()
    table = _table()
    for report in reports:
        counts = (report.rows_read, report.stored, report.duplicates, report.rejected)
        table.add_row(escape(report.key), report.status, *(f"{count:,}" for count in counts))
    out.print(table)
    for report in reports:
        for reason, count in report.rejects_by_reason.items():
            out.print(f"{report.key}: {count:,} rejected as {reason}", markup=False)
        if others := {name: n for name, n in report.languages.items() if name != _MODEL_LANGUAGE}:
            listed = ", ".join(f"{name} {n:,}" for name, n in sorted(others.items()))
            out.print(f"{report.key}: reviews in other languages: {listed}", markup=False)
        if report.error_code:
            message = f"{report.key}: {report.error_code}: {report.error_detail}"
            out.print(message, style="red", markup=False)
        for warning in [*report.warnings, *describe_failed(report)]:
            out.print(f"{report.key}: {warning}", markup=False)
        if report.rejected:
            out.print(f"  rejected rows: GET /collect/{report.ingest_id}/rejects", style="dim")


def _show_problems(reports: Sequence[IngestReport]) -> None:
    """Print to standard error why ingests failed or ended with warnings."""
    for report in reports:
        if report.status is IngestStatus.FAILED:
            message = f"{report.key}: {report.error_code}: {report.error_detail}"
            notes().print(message, markup=False, soft_wrap=True)
        elif report.status is IngestStatus.PROCESSED_WITH_WARNINGS:
            for warning in [*report.warnings, *describe_failed(report)]:
                notes().print(f"{report.key}: {warning}", markup=False, soft_wrap=True)


def _show_what_continues(api_url: str | None) -> None:
    look = "reviewlens status" + (f" --api-url {api_url}" if api_url else "")
    notes().print(
        "Stopped waiting. Files that are uploaded are collected, processed and indexed all the "
        f"same; an unfinished upload is lost. `{look}` shows the progress.",
        markup=False,
        soft_wrap=True,
    )


def _show_queued(queued: Sequence[dict[str, str]]) -> None:
    table = _table()
    for each in queued:
        table.add_row(escape(each["key"]), each["status"])
    console().print(table)


def _table() -> Table:
    table = Table("object", "status", *_COUNTS, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def _show_unchanged(reports: Sequence[IngestReport], started: datetime) -> None:
    """Print which objects were not read again, because the same bytes were collected before."""
    for report in reports:
        if report.finished_at and report.finished_at < started:
            message = f"{report.key}: already collected with the same content; nothing changed"
            console().print(message, markup=False)
