"""Rejects objects that are not dumps, and names the kind of file."""

import re

from shared.errors import IngestError

_SPREADSHEET = "save the sheet as .xlsx or as CSV"
_EXPORT = "export the table as CSV, JSON lines or Parquet"
_BINARY = (
    (b"%PDF", "a PDF document", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file (.xls), or one with a password",
     f"{_SPREADSHEET}, without a password"),
    (b"\x89PNG\r\n", "an image (PNG)", "upload the reviews as text"),
    (b"\xff\xd8\xff", "an image (JPEG)", "upload the reviews as text"),
    (b"GIF8", "an image (GIF)", "upload the reviews as text"),
    (b"SQLite format 3\0", "a SQLite database", _EXPORT),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"ORC", "an ORC file", _EXPORT),
    (b"ARROW1", "an Arrow (Feather) file", _EXPORT),
    (b"\xff\xff\xff\xff", "an Arrow stream", _EXPORT),
    (b"\x89HDF\r\n", "an HDF5 file", _EXPORT),
    (b"RDX", "an R data file", _EXPORT),
    (b"\x80\x04\x95", "a Python pickle", _EXPORT),
    (b"\x80\x05\x95", "a Python pickle", _EXPORT),
    (b"\x7fELF", "a program", "upload the dump itself"),
)  # fmt: skip
_HTML = re.compile(
    rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(rb"\s*<(?:\?xml\b|!DOCTYPE\b|[A-Za-z_][\w:.-]{0,60}[\s/>])", re.DOTALL)
_SQL = re.compile(
    rb"\s*(?:-- \w+ (?:SQL )?dump|(?:INSERT INTO|CREATE TABLE|DROP TABLE)\b)", re.IGNORECASE
)


def refuse_binary(head: bytes) -> None:
    """Refuse known files that are not text.

    Raises:
        IngestError: format_unknown.
    """
    for magic, name, advice in _BINARY:
        if head.startswith(magic) and not _is_prose(head):
            raise refusal(name, advice)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        raise refusal("an image (WebP)", "upload the reviews as text")


def _is_prose(head: bytes) -> bool:
    """Whether the first bytes are one line of a table that only begins like a known file."""
    line = head[:200].split(b"\n")[0]
    return line.isascii() and bool(re.search(rb"[,;\t|]", line)) and b"\0" not in head[:200]


def refuse_text(sample: bytes) -> None:
    """Refuse text in known languages that are not tables.

    Raises:
        IngestError: format_unknown.
    """
    head = sample[:4096]
    if _HTML.match(head):
        advice = "download the export itself; the page may be a login or an error"
        raise refusal("an HTML page", advice)
    if _XML.match(head):
        raise refusal("XML", "convert it to CSV or JSON lines; only <review> blocks can be read")
    if _SQL.match(head):
        raise refusal("an SQL dump", _EXPORT)


def refusal(name: str, advice: str) -> IngestError:
    """The error for an object that is not a dump."""
    return IngestError("format_unknown", f"the object is {name}: {advice}")
