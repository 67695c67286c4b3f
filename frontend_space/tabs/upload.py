"""Tab Upload: sends a dump to the API's bucket, then shows its counts and its rejects."""

import csv
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, client_of
from frontend_space.problems import PageError, describe
from frontend_space.tabs.frame import HIDDEN, own_file
from reviewlens import ApiError, Client, ConnectionFailedError
from reviewlens.models import IngestReport, IngestStatus, Reject

_FIELDS = "text, rating, title, product_id, product_title, category, reviewer, date"
_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS = 600.0
_MAX_REJECTS = 10_000
_REJECTS_OF_A_PAGE = 1000
_MAX_ROWS = 200
_HEAD = ["file", "line", "record", "reason", "detail", "raw"]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_DONE = "Done. The reviews are in the figures; search finds them shortly."
_FAILURES = {
    "nothing_stored": "All rows were refused.",
    "empty_object": "The file is empty.",
    "format_unknown": "The format is not supported. JSON lines, JSON, CSV, TSV and Parquet are, "
    "plain or compressed.",
    "schema_unknown": "The column names are not known. Enter above which column is which field.",
    "mapping_invalid": "The columns entered above cannot be used.",
    "archive_unsupported": "This kind of archive is not supported.",
    "decompression_limit": "The decompressed file is too large.",
    "object_too_large": "The file is too large.",
}


def build(backend: Backend, *, max_bytes: int) -> None:
    """Draw the tab."""
    gr.HTML(
        markup.note(
            "JSON lines, JSON arrays, CSV, TSV or Parquet; plain or as gzip, bzip2, zstd, xz, "
            f"zip or tar, up to {max_bytes // 2**20:,} MB. "
            "Every visitor of this page can see your upload.",
        )
    )
    file = own_file(label="A dump of reviews", file_count="single", type="filepath", elem_id="dump")
    mapping = gr.Textbox(
        label="Columns, where their names differ from the fields",
        placeholder="text=Opinion, rating=Grade",
        info=f"Fields: {_FIELDS}",
        max_length=2000,
        elem_id="mapping",
    )
    button = gr.Button("Upload", variant="primary", elem_id="upload-button")
    status = gr.HTML(
        markup.note("Choose a file and press Upload.", "empty"),
        elem_id="upload-status",
        elem_classes=["live"],
    )
    table = gr.Dataframe(
        headers=_HEAD[1:5],
        datatype=["number", "number", "str", "str"],
        interactive=False,
        visible=False,
        label="Refused rows",
        max_height=320,
        elem_id="rejects",
    )
    download = gr.DownloadButton(
        "Download all refused rows (CSV)", visible=False, elem_id="rejects-download"
    )

    def run(path: str | None, columns: str) -> Iterator[Any]:
        hidden = (gr.Dataframe(visible=False), gr.DownloadButton(visible=False))
        try:
            client = client_of(backend)
            shown: tuple[str, IngestReport | None] = ("", None)
            for shown in follow(client, _chosen(path), mapping_of(columns), max_bytes):
                yield shown[0], *hidden
            html, ingest = shown
            if ingest is not None and ingest.rejected:
                yield html, *_rejects(client, ingest)
        except (ApiError, PageError) as error:
            yield markup.note(describe(error), "error"), *hidden

    button.click(run, [file, mapping], [status, table, download], concurrency_limit=2, **HIDDEN)


def _chosen(path: str | None) -> Path:
    if not path:
        raise PageError("Choose a file first.")
    return Path(path)


def mapping_of(columns: str | None) -> dict[str, str] | None:
    """Read ``text=Opinion, rating=Grade``.

    Raises:
        PageError: a part does not have the form field=column.
    """
    mapping = {}
    for part in (columns or "").split(","):
        if part.strip():
            field, equals, column = (piece.strip() for piece in part.partition("="))
            if not (field and equals and column):
                raise PageError(f"“{part.strip()}” must have the form field=column.")
            mapping[field] = column
    return mapping or None


def follow(
    client: Client, path: Path, mapping: dict[str, str] | None, max_bytes: int
) -> Iterator[tuple[str, IngestReport | None]]:
    """Upload a dump and follow its ingest to the end; yields HTML and the ingest.

    Raises:
        PageError: the file is too large, or the ingest takes too long.
        ApiError: the API or its bucket refuses the file.
    """
    size = path.stat().st_size
    if size > max_bytes:
        raise PageError(f"This file is too large: the limit is {max_bytes // 2**20:,} MB.")
    sent = [0]
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(
            client.upload, path, mapping=mapping, progress=lambda total: sent.__setitem__(0, total)
        )
        while not upload.done():
            yield progress_html("Sending", sent[0], size), None
            time.sleep(_PAUSE_SECONDS / 2)
        key = _key(upload)
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        ingest = next(iter(client.ingests(key=key, limit=1).ingests), None)
        yield ingest_html(ingest, size), ingest
        if ingest is not None and ingest.status.is_final:
            return
        time.sleep(_PAUSE_SECONDS)
    raise PageError("This takes long. It continues, and the reviews will be available later.")


def _key(upload: Future[str]) -> str:
    try:
        return upload.result()
    except ConnectionFailedError as error:
        raise PageError("The upload was interrupted. Please try again.") from error


def progress_html(activity: str, done: int, total: int) -> str:
    """A progress bar with its percentage as text."""
    percent = 100 * done / max(total, 1)
    label = markup.safe(f"{activity}: {percent:.0f}% of {total:,} bytes")
    return (
        f'<p class="note info">{label}</p><progress max="100" value="{percent:.0f}"'
        f' aria-label="{label}"></progress>'
    )


def ingest_html(ingest: IngestReport | None, size: int) -> str:
    """State and counts of an upload."""
    if ingest is None:
        return markup.note(f"Sent {size:,} bytes. Waiting in the queue…")
    if ingest.status is IngestStatus.FAILED:
        code, detail = ingest.error_code or "", ingest.error_detail or ""
        reason = _FAILURES.get(code, "The file cannot be read.")
        stored = f" {ingest.stored:,} reviews were stored before that." if ingest.stored else ""
        return markup.note(f"{reason}{stored} ({detail or code})", "error")
    parts = f"{ingest.shards_processed} of {ingest.shards} parts"
    states = {
        IngestStatus.RECEIVED: "Waiting in the queue…",
        IngestStatus.COLLECTING: "Reading the file…",
        IngestStatus.COLLECTED: f"Read. Analysing the reviews: {parts}…",
        IngestStatus.PROCESSED: _DONE,
        IngestStatus.PROCESSED_WITH_WARNINGS: f"{_DONE} Many rows were refused.",
    }
    rows = [
        (markup.safe(name), f"{value:,}")
        for name, value in (
            ("rows read", ingest.rows_read),
            ("stored", ingest.stored),
            ("duplicates", ingest.duplicates),
            ("refused", ingest.rejected),
        )
    ]
    reasons = [
        (markup.safe(f"refused: {reason.replace('_', ' ')}"), f"{count:,}")
        for reason, count in sorted(ingest.rejects_by_reason.items())
    ]
    languages = [
        (markup.safe(f"language: {name}"), f"{count:,}")
        for name, count in sorted(ingest.languages.items())
    ]
    return (
        markup.note(states[ingest.status])
        + markup.table(("Rows", "Count"), [*rows, *reasons, *languages], "Rows of this upload")
        + markup.warnings(ingest.warnings)
    )


def _rejects(client: Client, ingest: IngestReport) -> tuple[Any, Any]:
    pages = client.rejects(ingest.ingest_id, limit=_REJECTS_OF_A_PAGE)
    rejects = list(islice(pages, _MAX_REJECTS))
    rows = [[each.line, each.record, each.reason, each.detail] for each in rejects[:_MAX_ROWS]]
    path = write_csv(rejects, ingest.ingest_id)
    label = f"Download all refused rows (CSV, {len(rejects):,})"
    return (
        gr.Dataframe(rows, headers=_HEAD[1:5], visible=True),
        gr.DownloadButton(label, value=str(path), visible=True),
    )


def write_csv(rejects: list[Reject], name: str) -> Path:
    """Write refused rows; cells that a spreadsheet would run as a formula become text."""
    path = Path(tempfile.mkdtemp(prefix="reviewlens-rejects-")) / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(_HEAD)
        for each in rejects:
            cells = [each.file, each.line, each.record, each.reason, each.detail, each.raw]
            writer.writerow([_plain(cell) for cell in cells])
    return path


def _plain(cell: object) -> object:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
