"""Writes one table of reviews as a dump of any format that the reader has."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from typing import Any, NamedTuple

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

COLUMNS = ["review_text", "rating", "review_date", "title", "sku", "user_id"]
_FIELDS = ("text", "rating", "date", "title", "product_id", "reviewer")
MAPPING = dict(zip(_FIELDS, COLUMNS, strict=True))
POSITIONS = {field: str(place + 1) for place, field in enumerate(_FIELDS)}
Rows = list[list[str]]


class Written(NamedTuple):
    body: bytes
    mapping: dict[str, str] | None = None
    hints: dict[str, str] | None = None


def delimited(rows: Rows, *, delimiter: str, style: str, layout: str, end: str) -> Written:
    """CSV in a dialect; ``layout`` is plain, sep, trailing or headerless."""
    styles: dict[str, dict[str, Any]] = {
        "all": {"quoting": csv.QUOTE_ALL},
        "minimal": {"quoting": csv.QUOTE_MINIMAL},
        "single": {"quoting": csv.QUOTE_ALL, "quotechar": "'"},
        "escaped": {"quoting": csv.QUOTE_ALL, "doublequote": False, "escapechar": "\\"},
    }
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, **styles[style])
    if layout == "sep":
        file.write(f"sep={delimiter}{end}")
    if layout != "headerless":
        writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(row)
        if layout == "trailing":
            file.seek(file.tell() - len(end))
            file.write(delimiter + end)
    if layout == "headerless":
        return Written(file.getvalue().encode(), POSITIONS, {"header": "none"})
    return Written(file.getvalue().encode())


def documents(rows: Rows) -> dict[str, Any]:
    """Layouts of one JSON document."""
    records = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    by_number = dict(enumerate(zip(*rows, strict=True)))
    return {
        "array": records,
        "wrapped": {"count": len(rows), "reviews": records},
        "deep": {"response": [{"data": {"items": records}}]},
        "split": {"columns": COLUMNS, "index": list(range(len(rows))), "data": rows},
        "index": {str(number): record for number, record in enumerate(records)},
        "table": {"schema": {"fields": [{"name": "index"}]}, "data": records},
        "columns": {
            name: {str(row): value for row, value in enumerate(by_number[place])}
            for place, name in enumerate(COLUMNS)
        },
        "lists": {name: list(by_number[place]) for place, name in enumerate(COLUMNS)},
        "values": [COLUMNS, *rows],
    }


def json_lines(rows: Rows, *, ascii_only: bool) -> Written:
    records = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    lines = [json.dumps(record, ensure_ascii=ascii_only) for record in records]
    return Written("\n".join(lines).encode())


def mongo(rows: Rows) -> Written:
    """As mongoexport writes: ids and numbers are objects."""
    lines = []
    for number, row in enumerate(rows):
        record: dict[str, Any] = {"_id": {"$oid": f"{number:024x}"}}
        record |= dict(zip(COLUMNS, row, strict=True))
        if record["rating"].isdecimal():
            record["rating"] = {"$numberInt": record["rating"]}
        lines.append(json.dumps(record))
    return Written("\n".join(lines).encode())


def key_values(rows: Rows) -> Written:
    blocks = [
        "".join(f"{name}: {value}\n" for name, value in zip(COLUMNS, row, strict=True))
        for row in rows
    ]
    return Written("\n".join(blocks).encode(), MAPPING)


def review_blocks(rows: Rows) -> Written:
    blocks = "".join(
        "<review>\n"
        + "".join(f"<{n}>\n{value}\n</{n}>\n" for n, value in zip(COLUMNS, row, strict=True))
        + "</review>\n"
        for row in rows
    )
    return Written(blocks.encode(), MAPPING)


def fasttext(rows: Rows) -> Written:
    """Labels and texts; the label is the rating."""
    lines = "".join(f"__label__{row[1]} {row[0]}\n" for row in rows)
    return Written(lines.encode(), {"text": "text", "rating": "label"})


def workbook(rows: Rows) -> Written:
    book = openpyxl.Workbook()
    for row in (["Our reviews"], COLUMNS, *rows):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return Written(file.getvalue())


def parquet(rows: Rows) -> Written:
    file = io.BytesIO()
    columns = zip(*rows, strict=True)
    pq.write_table(pa.table(dict(zip(COLUMNS, columns, strict=True))), file)
    return Written(file.getvalue())


def _tar(body: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo("folder/reviews")
        entry.size = len(body)
        archive.addfile(entry, io.BytesIO(body))
    return file.getvalue()


def _zip(body: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/reviews", body)
    return file.getvalue()


PACKINGS = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "xz": lzma.compress,
    "tar": _tar,
    "zip": _zip,
    "gzip in zip": lambda body: _zip(gzip.compress(body)),
}
