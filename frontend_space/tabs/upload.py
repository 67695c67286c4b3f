"""Tab Upload: a dump goes to the API's bucket, its counts come back, its rejects as a file."""

import csv
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.answers import Ingest, Reject
from frontend_space.backend import Backend, asked
from frontend_space.client import Client
from frontend_space.problems import ApiError, RefusedError, UnreachableError
from frontend_space.tabs.frame import HIDDEN, own_file

_FIELDS = "text, rating, title, product_id, product_title, category, reviewer, date"
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 600.0
_MOST_REJECTS = 10_000
_SHOWN = 200
_HEAD = ["file", "line", "record", "reason", "detail", "raw"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FAILURES = {
    "empty_object": "The file is empty.",
    "format_unknown": "This is no format that is known here. JSON lines, JSON, CSV, TSV and "
    "Parquet are read, plain or packed.",
    "schema_unknown": "The columns have names that are not known here. Say above which is which.",
    "mapping_invalid": "The columns that were named cannot be used.",
    "archive_unsupported": "This kind of archive is not read.",
    "decompression_limit": "Unpacked, the file is larger than what is read here.",
    "object_too_large": "The file is larger than what is read here.",
}


def build(backend: Backend, *, max_bytes: int) -> None:
    """Draw the tab."""
    gr.HTML(
        markup.note(
            "JSON lines, JSON arrays, CSV, TSV or Parquet; plain or as gzip, bzip2, zstd or zip, "
            f"up to {max_bytes // 2**20:,} MB. Whoever uses this page sees what you upload.",
        )
    )
    file = own_file(label="A dump of reviews", file_count="single", type="filepath", elem_id="dump")
    mapping = gr.Textbox(
        label="Columns, where they have names of their own",
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
            if not path:
                raise RefusedError("Choose a file first.")
            client = asked(backend)
            shown: tuple[str, Ingest | None] = ("", None)
            for shown in followed(client, Path(path), mapping_of(columns), max_bytes):
                yield shown[0], *hidden
            html, ingest = shown
            if ingest is not None and ingest.rejected:
                yield html, *_rejects(client, ingest)
        except ApiError as error:
            yield markup.note(str(error), "error"), *hidden

    button.click(run, [file, mapping], [status, table, download], concurrency_limit=2, **HIDDEN)


def mapping_of(columns: str | None) -> dict[str, str] | None:
    """Read ``text=Opinion, rating=Grade``.

    Raises:
        RefusedError: a part is no field=column.
    """
    found = {}
    for part in (columns or "").split(","):
        if part.strip():
            field, equals, column = (piece.strip() for piece in part.partition("="))
            if not (field and equals and column):
                raise RefusedError(f"“{part.strip()}” is no field=column.")
            found[field] = column
    return found or None


def followed(
    client: Client, path: Path, mapping: dict[str, str] | None, max_bytes: int
) -> Iterator[tuple[str, Ingest | None]]:
    """Send a dump and follow it to its end; what to show, and how far it is."""
    size = path.stat().st_size
    if size > max_bytes:
        raise RefusedError(f"This file is too large: {max_bytes // 2**20:,} MB at most.")
    sent = [0]
    name = path.name
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(
            client.upload, path, name, mapping, lambda total: sent.__setitem__(0, total)
        )
        while not sending.done():
            yield progress_html("Sending", sent[0], size), None
            time.sleep(_PAUSE_SECONDS / 2)
        key = sending.result()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ingest = client.ingest_of(key)
        yield ingest_html(ingest, size), ingest
        if ingest is not None and ingest.is_over:
            return
        time.sleep(_PAUSE_SECONDS)
    raise UnreachableError("This takes long. It goes on; its reviews will be there later.")


def progress_html(what: str, done: int, whole: int) -> str:
    """A bar with its share in words."""
    part = 100 * done / max(whole, 1)
    label = markup.safe(f"{what}: {part:.0f}% of {whole:,} bytes")
    return (
        f'<p class="note info">{label}</p><progress max="100" value="{part:.0f}"'
        f' aria-label="{label}"></progress>'
    )


def ingest_html(ingest: Ingest | None, size: int) -> str:
    """How far an upload is, with its counts."""
    if ingest is None:
        return markup.note(f"Sent, {size:,} bytes. Waiting for its turn…")
    if ingest.status == "failed":
        code, detail = ingest.error_code or "", ingest.error_detail or ""
        told = _FAILURES.get(code, "The file cannot be read.")
        stored = f" {ingest.stored:,} reviews were stored before that." if ingest.stored else ""
        return markup.note(f"{told}{stored} ({detail or code})", "error")
    states = {
        "received": "Waiting for its turn…",
        "collecting": "Being read…",
        "collected": f"Read. Being judged: {ingest.shards_processed} of {ingest.shards} parts…",
        "processed": "Done. Its reviews are in the figures, and can be searched in a moment.",
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
        (markup.safe(f"refused: {why.replace('_', ' ')}"), f"{count:,}")
        for why, count in sorted(ingest.rejects_by_reason.items())
    ]
    return (
        markup.note(states.get(ingest.status, ingest.status))
        + markup.table(("Rows", "Count"), [*rows, *reasons], "Rows of this upload")
        + markup.warnings(ingest.warnings)
    )


def _rejects(client: Client, ingest: Ingest) -> tuple[Any, Any]:
    found = all_rejects(client, ingest.ingest_id)
    rows = [[one.line, one.record, one.reason, one.detail] for one in found[:_SHOWN]]
    path = written(found, ingest.ingest_id)
    label = f"Download all refused rows (CSV, {len(found):,})"
    return (
        gr.Dataframe(rows, headers=_HEAD[1:5], visible=True),
        gr.DownloadButton(label, value=str(path), visible=True),
    )


def all_rejects(client: Client, ingest_id: str) -> list[Reject]:
    """Refused rows of an ingest, up to ten thousand."""
    found: list[Reject] = []
    after: int | None = 0
    while after is not None and len(found) < _MOST_REJECTS:
        page = client.rejects(ingest_id, after=after)
        found += page.rejects
        after = page.next_after
    return found


def written(rejects: list[Reject], name: str) -> Path:
    """Refused rows as CSV; a cell that a spreadsheet would run as a formula is made text."""
    path = Path(tempfile.mkdtemp(prefix="reviewlens-rejects-")) / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(_HEAD)
        for one in rejects:
            cells = [one.file, one.line, one.record, one.reason, one.detail, one.raw]
            writer.writerow([_plain(cell) for cell in cells])
    return path


def _plain(cell: object) -> object:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text
