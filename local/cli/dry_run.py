"""``reviewlens ingest --dry-run``: how files would be read; nothing is stored."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lambdas.collection.preview import preview_dump
from lambdas.collection.reading import ReadOptions, split_mapping
from local.cli.output import console, fail, notes, print_json
from local.dumps import Upload, parse_mapping, plan_uploads
from local.errors import LocalStackError
from shared.errors import IngestError
from shared.schemas.ingest import MAX_REJECT_SHARE, Reject
from shared.schemas.preview import LANGUAGE_ROWS, Preview

_FAILED, _WARNINGS = 1, 3
_MAX_CHARACTERS = 160


def preview_files(
    sources: Sequence[str],
    mapping: str | None,
    *,
    limit_mb: int,
    as_json: bool,
    max_reject_share: float | None = None,
) -> int:
    """Preview files and folders; returns the exit status that their ingest would have."""
    try:
        plan = _plan(sources, mapping)
    except LocalStackError as error:
        fail(error)
    previews, statuses = [], [0]
    for upload in plan:
        try:
            preview = _preview(upload, limit_mb)
        except IngestError as error:
            notes().print(
                f"{upload.path}: {error.code}: {error.message}", markup=False, soft_wrap=True
            )
            previews.append({"file": str(upload.path), "error_code": error.code})
            statuses.append(_FAILED)
            continue
        previews.append(preview.model_dump(mode="json"))
        statuses.append(
            _exit_status(
                preview, MAX_REJECT_SHARE if max_reject_share is None else max_reject_share
            )
        )
        if not as_json:
            for line in describe(preview):
                console().print(line, markup=False)
    if as_json:
        print_json({"previews": previews})
    return _FAILED if _FAILED in statuses else max(statuses)


def _plan(sources: Sequence[str], mapping: str | None) -> list[Upload]:
    if any(source.startswith("s3://") for source in sources):
        raise LocalStackError("--dry-run works only with files.", exit_code=2)
    columns = parse_mapping(mapping) if mapping else None
    return plan_uploads([Path(source) for source in sources], mapping=columns)


def _preview(upload: Upload, limit_mb: int) -> Preview:
    mapping, hints = split_mapping(_mapping(upload))
    with upload.path.open("rb") as file:
        return preview_dump(
            file,
            name=upload.path.name,
            options=ReadOptions(mapping=mapping, hints=hints),
            max_bytes=limit_mb * 2**20,
        )


def _mapping(upload: Upload) -> Mapping[str, str] | None:
    if upload.mapping is None:
        return None
    try:
        mapping = json.loads(upload.mapping)
    except ValueError as error:
        raise IngestError("mapping_invalid", "the mapping beside the file is not JSON") from error
    if not isinstance(mapping, dict) or not all(isinstance(v, str) for v in mapping.values()):
        message = "the mapping beside the file must map field names to column names"
        raise IngestError("mapping_invalid", message)
    return mapping


def _exit_status(preview: Preview, max_reject_share: float) -> int:
    if preview.error_code:
        return _FAILED
    if not preview.rejected:
        return 0
    if preview.rejected == preview.rows_read:
        return _FAILED
    return _WARNINGS if preview.rejected / preview.rows_read > max_reject_share else 0


def describe(preview: Preview) -> Iterator[str]:
    """The preview of one file as lines of text."""
    yield f"{preview.file}"
    if preview.error_code:
        yield f"  {preview.error_code}: {preview.error_detail}"
        return
    yield (
        f"  format {preview.format}, compression {preview.compression},"
        f" encoding {preview.encoding}, schema {preview.dump_schema}"
    )
    if preview.source:
        yield f"  source {preview.source}"
    for field, columns in preview.mapping.items():
        yield f"  {field} <- {', '.join(columns)}"
    for label, found in (
        ("unused columns", ", ".join(preview.unused_columns)),
        ("missing fields", ", ".join(preview.missing_fields)),
        ("rating scale", preview.rating_scale),
        ("date order", preview.details.get("date_order")),
        ("members", preview.details.get("members")),
    ):
        if found:
            yield f"  {label}: {found if isinstance(found, str) else _compact(found)}"
    if preview.languages:
        extent = f" of the first {LANGUAGE_ROWS} rows" if preview.stored > LANGUAGE_ROWS else ""
        counts = ", ".join(f"{name} {count}" for name, count in preview.languages.items())
        yield f"  languages{extent}: {counts}"
    for number, row in enumerate(preview.rows, 1):
        yield f"  {number:2} {_compact(row)}"
    yield from _counts(preview)


def _counts(preview: Preview) -> Iterator[str]:
    extent = "the whole file" if preview.is_complete else "the beginning of the file"
    yield (
        f"  {extent}: {preview.rows_read:,} rows read, {preview.stored:,} would be stored,"
        f" {preview.duplicates:,} duplicates, {preview.rejected:,} rejected"
    )
    for reason, count in preview.rejects_by_reason.items():
        yield f"  {count:,} rejected as {reason}"
    yield from (f"  {_describe_reject(reject)}" for reject in preview.rejects)
    yield from (f"  warning: {warning}" for warning in preview.warnings)


def _describe_reject(reject: Reject) -> str:
    place = f"record {reject.record}" if reject.line is None else f"line {reject.line}"
    return f"{reject.file}, {place}: {reject.reason} ({reject.detail})"


def _compact(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"
