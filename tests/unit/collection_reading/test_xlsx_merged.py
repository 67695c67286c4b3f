"""Excel cells that are merged over several rows: all of these rows have the value."""

import io

import openpyxl
import pytest

from lambdas.collection.reading.formats import xlsx_merged
from tests.unit.collection_reading.test_xlsx_bounds import workbook

HEADER = ["Product ID", "Rating", "Review text", "Note"]


def merged(rows: list[list], *ranges: str) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for each in ranges:
        book.active.merge_cells(each)
    book.save(file)
    return file.getvalue()


def products(got) -> list[tuple]:
    return [(row["product_id"], row["rating"], row["text"]) for row in got.rows]


def test_reviews_below_a_merged_product_have_it(read):
    rows = [["P1", 5, "good"], [None, 1, "bad"], [None, 2, "poor"], [None, 3, "no product"]]
    rows += [["P2", 4, "fine"], [None, None, "also fine"]]
    got = read(merged([HEADER, *rows], "A2:A4", "A6:A7", "B6:B7"))
    assert products(got) == [
        ("P1", 5, "good"), ("P1", 1, "bad"), ("P1", 2, "poor"), (None, 3, "no product"),
        ("P2", 4, "fine"), ("P2", 4, "also fine"),
    ]  # fmt: skip


def test_a_row_of_merged_cells_alone_is_no_review(read):
    rows = [["P1", 5, "good", "a"], [None, None, None, "b"], [], ["P2", 4, "fine"]]
    got = read(merged([HEADER, *rows], "A2:A4", "B2:B4", "C2:C4"))
    assert products(got) == [("P1", 5, "good"), ("P2", 4, "fine")]
    # a text over several rows is one review
    assert [(each.line, each.reason.value) for each in got.rejects] == [(3, "text_missing")]


@pytest.mark.parametrize("ranges", ["A1:C1", "A1:A2", "A1:B2 C1:D2", "A3:A4", "C4:D4"])
def test_titles_headers_and_cells_in_one_row_are_not_repeated(read, ranges):
    rows = [["Our shop"], [], HEADER, ["P1", 5, "good"], [None, None, "bad"]]
    first = (None if ranges == "A3:A4" else "P1", 5, "good")
    assert products(read(merged(rows, *ranges.split()))) == [first, (None, None, "bad")]


def test_a_cell_in_a_merged_range_keeps_its_own_value(read):
    xml = "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>text {row}</t></is></c>'
        f'<c r="B{row}"><v>{row - 2}</v></c></row>'
        for row in (3, 5)
    )
    body = workbook(xml.replace("<v>1</v>", "") + "</sheetData><mergeCells><mergeCell "
                    'ref="B2:B9"/></mergeCells><sheetData>')  # fmt: skip
    assert [row["rating"] for row in read(body).rows] == [4, 4, 3]


def test_ranges_are_read_in_chunks_of_any_size(read, monkeypatch):
    rows = [[f"P{row}", 4, f"text {row}"] if row % 3 else [None, 4, f"text {row}"]
            for row in range(1, 100)]  # fmt: skip
    body = merged([HEADER, *rows], *(f"A{row}:A{row + 1}" for row in range(3, 100, 3)))
    expected = [f"P{row}" if row % 3 else f"P{row - 1}" for row in range(1, 100)]
    for size in (50, 64, 1000):
        monkeypatch.setattr(xlsx_merged, "_CHUNK_BYTES", size)
        assert [row["product_id"] for row in read(body).rows] == expected


def test_too_many_ranges_are_a_warning(read, monkeypatch):
    monkeypatch.setattr(xlsx_merged, "_MAX_RANGES", 10)
    rows = [["P1", 4, f"text {row}"] for row in range(40)]
    got = read(merged([HEADER, *rows], *(f"A{row}:A{row + 1}" for row in range(2, 40, 2))))
    assert len(got.rows) == 40
    assert any("more than 10 ranges of merged cells" in warning for warning in got.warnings)
