"""What an Excel sheet may take: its XML can state millions of cells in a few kilobytes."""

import io
import zipfile

import openpyxl
import pytest

from shared.errors import IngestError

GOOD = '<row><c t="inlineStr"><is><t>good</t></is></c><c><v>5</v></c></row>'
"""A row without a number, as some writers leave it."""
END = b"</sheetData>"


def workbook(rows: str, doctype: str = "", declared_in: str = "") -> bytes:
    """A workbook of a header, a row, and ``rows`` of XML; one part begins with ``doctype``."""
    book, plain, packed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["reviewText", "overall"])
    book.active.append(["first", 4])
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", 8) as target:
        for part in source.namelist():
            content = source.read(part)
            if part.startswith("xl/worksheets/"):
                content = content.replace(END, rows.encode() + END)
            if part == declared_in:
                content = doctype.encode() + content
            target.writestr(part, content)
    return packed.getvalue()


def test_rows_that_are_not_written_take_no_time(read):
    last = GOOD.replace("<row>", '<row r="1048576">')
    got = read(workbook(GOOD + last))
    assert got.texts == ["first", "good", "good"]


@pytest.mark.parametrize("row", ["<c/>" * 16_385, "<x>" * 330_000 + "</x>" * 330_000])
def test_a_row_of_too_many_cells_is_refused(read, row):
    with pytest.raises(IngestError, match="more than 16384 cells, after row 2") as failed:
        read(workbook(f"<row>{row}</row>"))
    assert failed.value.code == "decompression_limit"


def test_empty_cells_rows_and_merged_cells_cost_little(read):
    merged = "</sheetData><mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 1000
    body = workbook("<row/>" * 2000 + f"<row>{'<c/>' * 16_000}</row>" + GOOD)
    assert read(body).texts == ["first", "good"]
    assert read(workbook(GOOD + merged + "</mergeCells><sheetData>")).texts == ["first", "good"]


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_a_workbook_with_entities_that_expand_to_gigabytes_is_refused(read, part):
    entities = '<!ENTITY e0 "xxxxxxxxxx">' + "".join(
        f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 9)
    )
    body = workbook(GOOD.replace("good", "&e8;"), f"<!DOCTYPE x [{entities}]>", part)
    with pytest.raises(IngestError, match="declares XML entities") as failed:
        read(body)
    assert failed.value.code == "format_unknown"
