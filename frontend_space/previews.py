"""A preview of an upload as HTML: how the file would be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frontend_space import markup
from frontend_space.problems import PageError, describe
from reviewlens import ApiError, Client, MissingRouteError, PermissionDeniedError, StatusError
from reviewlens.models import LANGUAGE_ROWS, PREVIEW_BYTES, Preview

_MAX_CELL = 160
_MAX_UNUSED = 30
_STILL = "The file can be uploaded all the same."
_SHOWN_ELSEWHERE = ("no column for", "columns not used")
"""Beginnings of warnings about columns, which the lists and the table of properties show."""
_MIDNIGHT = "T00:00:00Z"


def request_preview(client: Client, path: Path, mapping: dict[str, str] | None) -> Preview:
    """Ask how a file would be read; only its beginning is sent, and nothing is stored.

    Raises:
        PageError: the file is empty.
        ApiError: there is no preview of this file.
    """
    size = path.stat().st_size
    if not size:
        raise PageError("The file is empty.")
    with path.open("rb") as file:
        content = file.read(PREVIEW_BYTES)
    return client.preview_upload(path.name, content, size=size, mapping=mapping)


def problem_html(error: PageError | ApiError) -> str:
    """Why there is no preview, and that the file can still be uploaded if that is so."""
    if isinstance(error, MissingRouteError | PermissionDeniedError):
        return markup.note(f"This server shows no preview. {_STILL}", "empty")
    if isinstance(error, StatusError) and error.code == "preview_unavailable":
        limit = f"{PREVIEW_BYTES // 1000} KB"
        return markup.note(
            "There is no preview of this file: Parquet files and Excel workbooks can only be read "
            f"whole, and this one is larger than {limit}. {_STILL}"
        )
    return markup.note(describe(error), "error")


def headline(preview: Preview) -> str:
    """One sentence: what the file is, and what would become of its rows."""
    if preview.error_code:
        return markup.note(f"Choose the columns below: {_reason(preview)}.", "warning")
    if preview.is_complete:
        extent = f"{preview.rows_read:,} rows"
    else:
        extent = f"the first {preview.rows_read:,} rows"
    counts = [f"{preview.stored:,} would be stored"]
    if preview.duplicates:
        verb = "is a duplicate" if preview.duplicates == 1 else "are duplicates"
        counts.append(f"{preview.duplicates:,} {verb}")
    if preview.rejected:
        counts.append(f"{preview.rejected:,} would be refused")
    kind = "warning" if preview.rejected else "info"
    return markup.note(f"Preview of {extent}: {', '.join(counts)}. Nothing is uploaded yet.", kind)


def _reason(preview: Preview) -> str:
    """The API's reason without the list of columns, which the lists below have."""
    return (preview.error_detail or "which column is the text is not known").partition(";")[0]


def details(preview: Preview) -> str:
    """What was recognised, the first rows, the first refused rows, and warnings."""
    if preview.error_code:
        return ""
    parts = [
        markup.table(("Property", "Found"), _facts(preview), "How the file is read"),
        _rows(preview),
        _rejects(preview),
        markup.warnings(w for w in preview.warnings if not w.startswith(_SHOWN_ELSEWHERE)),
    ]
    return "".join(parts)


def _facts(preview: Preview) -> Iterator[tuple[str, str]]:
    packing = "" if preview.compression in (None, "none") else f", {preview.compression}"
    found = {
        "Format": f"{preview.format}{packing}, {preview.encoding}",
        "Kind": "columns by name" if preview.dump_schema == "mapped" else preview.dump_schema,
        "Source": preview.source,
        "Fields": ", ".join(
            f"{field} ← {' or '.join(columns)}" for field, columns in preview.mapping.items()
        ),
        "Columns not used": _listed(preview.unused_columns),
        "Rating scale": preview.rating_scale,
        "Order of day and month": preview.details.get("date_order"),
        "Languages": _languages(preview),
    }
    return ((markup.safe(name), markup.safe(value)) for name, value in found.items() if value)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_UNUSED:,} more" if len(names) > _MAX_UNUSED else ""
    return ", ".join(names[:_MAX_UNUSED]) + more


def _languages(preview: Preview) -> str:
    counts = ", ".join(f"{name} {count:,}" for name, count in preview.languages.items())
    return f"{counts} (first {LANGUAGE_ROWS} rows)" if preview.stored > LANGUAGE_ROWS else counts


def _rows(preview: Preview) -> str:
    if not preview.rows:
        return ""
    names = list(dict.fromkeys(name for row in preview.rows for name in row))
    names.sort(key=lambda name: name != "text")
    rows = [[_cell(row.get(name)) for name in names] for row in preview.rows]
    head = [name.replace("_", " ") for name in names]
    return markup.table(head, rows, f"The first {len(rows)} rows as they would be stored")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        value = f"{value:g}"
    text = "" if value is None else str(value).removesuffix(_MIDNIGHT)
    return f'<div class="cell">{markup.safe(markup.cut(text, _MAX_CELL))}</div>'


def _rejects(preview: Preview) -> str:
    if not preview.rejects:
        return ""
    rows = [
        [
            "" if each.line is None else f"{each.line:,}",
            markup.safe(each.reason.replace("_", " ")),
            f'<div class="cell">{markup.safe(markup.cut(each.detail, _MAX_CELL))}</div>',
            f'<div class="cell">{markup.safe(markup.cut(each.raw, _MAX_CELL))}</div>',
        ]
        for each in preview.rejects
    ]
    caption = f"Refused rows: the first {len(rows)} of {preview.rejected:,}"
    return markup.table(("Line", "Reason", "Detail", "Text"), rows, caption)
