"""Distinguishes office documents, which are zip files, from archives of dumps."""

import zipfile
from typing import IO

from lambdas.collection.reading.refusals import refusal

_WORKBOOK = "xl/workbook.xml"
_OTHERS = {
    "xl/workbook.bin": ("a binary Excel workbook (.xlsb)", "save it as .xlsx or as CSV"),
    "word/document.xml": ("a Word document", "upload the reviews as a table, such as .xlsx or CSV"),
    "ppt/presentation.xml": ("a PowerPoint document", "upload the reviews as .xlsx or CSV"),
    "Index/Document.iwa": ("a Numbers or Pages document", "export it as .xlsx or CSV"),
}


def is_workbook(file: IO[bytes]) -> bool:
    """Return whether a zip file is an Excel workbook (.xlsx), and rewind it.

    Raises:
        IngestError: format_unknown if it is another office document.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            kind = archive.read("mimetype")[:80] if names >= {"mimetype", "content.xml"} else b""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        names, kind = set(), b""
    file.seek(0)
    if b"opendocument" in kind:
        raise refusal("an OpenDocument file (.ods)", "save the sheet as .xlsx or as CSV")
    for name, (what, advice) in _OTHERS.items():
        if name in names:
            raise refusal(what, advice)
    return _WORKBOOK in names and "[Content_Types].xml" in names
