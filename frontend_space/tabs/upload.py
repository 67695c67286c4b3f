"""Tab Upload: shows how a dump would be read, sends it, and shows its counts and its rejects."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, client_of
from frontend_space.ingests import ingest_html, progress_html
from frontend_space.problems import PageError, describe
from frontend_space.rejects import HEAD, write_csv
from frontend_space.stalls import StallWatch
from frontend_space.tabs.frame import HIDDEN
from frontend_space.tabs.upload_preview import UploadPreview, check_size
from reviewlens import ApiError, Client, ConnectionFailedError
from reviewlens.models import IngestReport

_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS = 600.0
_MAX_REJECTS = 10_000
_REJECTS_OF_A_PAGE = 1000
_MAX_ROWS = 200


def build(backend: Backend, *, max_bytes: int) -> None:
    """Draw the tab."""
    gr.HTML(
        markup.note(
            "JSON lines, JSON, CSV, TSV, Excel (.xlsx) or Parquet; plain or as gzip, bzip2, zstd, "
            f"xz, zip or tar, up to {max_bytes // 2**20:,} MB. "
            "Every visitor of this page can see your upload.",
        )
    )
    file = gr.File(label="A dump of reviews", file_count="single", type="filepath", elem_id="dump")
    preview = UploadPreview(backend, file, max_bytes=max_bytes)
    button = gr.Button("Upload", variant="primary", elem_id="upload-button")
    status = gr.HTML(
        markup.note("Choose a file, check the preview, and press Upload.", "empty"),
        elem_id="upload-status",
        elem_classes=["live"],
    )
    table = gr.Dataframe(
        headers=HEAD[1:5],
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

    def run(*inputs: Any) -> Iterator[Any]:
        hidden = (gr.Dataframe(visible=False), gr.DownloadButton(visible=False))
        try:
            client = client_of(backend)
            path, mapping = preview.choice(*inputs)
            shown: tuple[str, IngestReport | None] = ("", None)
            for shown in follow(client, path, mapping, max_bytes):
                yield shown[0], *hidden
            html, ingest = shown
            if ingest is not None and ingest.rejected:
                yield html, *_rejects(client, ingest)
        except (ApiError, PageError) as error:
            yield markup.note(describe(error), "error"), *hidden

    button.click(run, preview.inputs, [status, table, download], concurrency_limit=2, **HIDDEN)


def follow(
    client: Client, path: Path, mapping: dict[str, str] | None, max_bytes: int
) -> Iterator[tuple[str, IngestReport | None]]:
    """Upload a dump and follow its ingest to the end; yields HTML and the ingest.

    Raises:
        PageError: the file is too large, or the ingest takes too long.
        ApiError: the API or its bucket refuses the file.
    """
    size = check_size(path, max_bytes)
    sent = [0]
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(
            client.upload, path, mapping=mapping, progress=lambda total: sent.__setitem__(0, total)
        )
        while not upload.done():
            yield progress_html("Sending", sent[0], size), None
            time.sleep(_PAUSE_SECONDS / 2)
        key = _key(upload)
    watch = StallWatch(client.health)
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        ingest = next(iter(client.ingests(key=key, limit=1).ingests), None)
        stall = watch.warning(ingest and (ingest.status, ingest.rows_read, ingest.shards_processed))
        yield ingest_html(ingest, size) + (markup.note(stall, "warning") if stall else ""), ingest
        if ingest is not None and ingest.status.is_final:
            return
        time.sleep(_PAUSE_SECONDS)
    raise PageError("This takes long. It continues, and the reviews will be available later.")


def _key(upload: Future[str]) -> str:
    try:
        return upload.result()
    except ConnectionFailedError as error:
        raise PageError("The upload was interrupted. Please try again.") from error


def _rejects(client: Client, ingest: IngestReport) -> tuple[Any, Any]:
    pages = client.rejects(ingest.ingest_id, limit=_REJECTS_OF_A_PAGE)
    rejects = list(islice(pages, _MAX_REJECTS))
    rows = [[each.line, each.record, each.reason, each.detail] for each in rejects[:_MAX_ROWS]]
    path = write_csv(rejects, ingest.ingest_id)
    label = f"Download all refused rows (CSV, {len(rejects):,})"
    return (
        gr.Dataframe(rows, headers=HEAD[1:5], visible=True),
        gr.DownloadButton(label, value=str(path), visible=True),
    )
