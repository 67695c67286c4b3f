"""An upload and its ingest as HTML: progress, state and counts."""

from frontend_space import markup
from reviewlens.models import IngestReport, IngestStatus

_DONE = "Done. The reviews are in the figures; search finds them shortly."
_FAILURES = {
    "nothing_stored": "All rows were refused.",
    "empty_object": "The file is empty.",
    "format_unknown": "The format is not supported. JSON lines, JSON, CSV, TSV and Parquet are, "
    "plain or compressed.",
    "schema_unknown": "The column names are not known. Choose above which column is which field.",
    "mapping_invalid": "The columns chosen above cannot be used.",
    "archive_unsupported": "This kind of archive is not supported.",
    "decompression_limit": "The decompressed file is too large.",
    "object_too_large": "The file is too large.",
    "too_many_rejects": "Most rows cannot be read, so the rest of the file was not read.",
    "no_progress": "Reading takes too long or needs too much memory: split or convert the file.",
    "ranges_failed": "Parts of the file could not be read; the rest is stored.",
    "cpu_time_limit": "Reading takes too long for the size of the file; the rest was not read.",
}


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
        IngestStatus.PROCESSED_WITH_WARNINGS: f"{_DONE}{_but(ingest)}",
        IngestStatus.UNDOING: "This upload is being undone…",
        IngestStatus.UNDONE: "This upload was undone: nothing of it is left.",
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
        + _failed_shards(ingest)
        + markup.table(("Rows", "Count"), [*rows, *reasons, *languages], "Rows of this upload")
        + _pictures(ingest)
        + markup.warnings(ingest.warnings)
    )


def _pictures(ingest: IngestReport) -> str:
    """What became of the pictures of its reviews, if some are fetched."""
    counts = ingest.pictures.model_dump()
    rows = [(markup.safe(name), f"{count:,}") for name, count in counts.items() if count]
    return markup.table(("Pictures", "Count"), rows, "Pictures of this upload") if rows else ""


def _but(ingest: IngestReport) -> str:
    """What is wrong with an upload that is processed with warnings."""
    failed = " Some parts could not be analysed." if ingest.shards_failed else ""
    is_refused = "too_many_rejects" in ingest.details or not failed
    return failed + (" Many rows were refused." if is_refused else "")


def _failed_shards(ingest: IngestReport) -> str:
    if not ingest.shards_failed:
        return ""
    listed = "; ".join(
        f"part {each.part} with {each.rows:,} reviews: {each.reason}"
        for each in ingest.failed_shards
    )
    text = f"{ingest.shards_failed} of {ingest.shards} parts failed and are not tried again"
    return markup.note(f"{text}: {listed}", "error")
