"""Excel workbooks: types, titles above the header, sheets, damage, other office documents."""

import datetime as dt
import gzip
import io
import zipfile
from contextlib import suppress

import openpyxl
import pytest

from shared.errors import IngestError

HEADER = ["Product ID", "Rating", "Title", "Review text", "Date"]
TEXTS = ["Pours well", "The lid\nleaks", "Fine, for the price"]
DAY = dt.datetime(2021, 3, 5, 10, 30)  # noqa: DTZ001 - cells have no zone
ROWS = [[f"P{n}", n, f"Title {n}", text, DAY] for n, text in enumerate(TEXTS, 1)]
CLEAN = [" ".join(text.split()) for text in TEXTS]


def workbook(sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("chunk", [None, 1000])
def test_a_workbook_is_read_with_its_types(read, chunk):
    got = read(workbook({"Export": [HEADER, *ROWS]}), chunk=chunk)
    assert got.texts == CLEAN
    assert [row["rating"] for row in got.rows] == [1, 2, 3]
    assert [row["product_id"] for row in got.rows] == ["P1", "P2", "P3"]
    assert {row["reviewed_at"].date() for row in got.rows} == {DAY.date()}
    assert (got.dump.profile.format, got.dump.profile.compression) == ("xlsx", "none")
    assert got.dump.profile.columns == tuple(HEADER)
    assert got.rejects == []


def test_titles_above_the_header_are_skipped(read):
    above = [["Reviews of our shop"], [], ["From", "2021-01-01", "to", "2021-12-31"], [None]]
    got = read(workbook({"Export": [*above, HEADER, *ROWS]}))
    assert got.texts == CLEAN
    assert got.rejects == []


def test_rejects_name_the_row_of_the_sheet(read):
    rows = [ROWS[0], [], ["P9", 5, "No text", None, None], HEADER]
    got = read(workbook({"Export": [["Our shop"], HEADER, *rows]}))
    assert [(r.line, r.reason.value) for r in got.rejects] == [
        (5, "text_missing"),
        (6, "malformed_record"),
    ]
    assert "No text" in got.rejects[0].raw


def test_the_first_sheet_with_reviews_is_read(read):
    body = workbook({"Notes": [["Read", "me"], [1, 2]], "Reviews": [HEADER, *ROWS]})
    got = read(body)
    assert got.texts == CLEAN
    assert any("'Reviews'" in w and "'Notes'" in w for w in got.dump.warnings)


@pytest.mark.parametrize("sheet", ["March", " march ", "2"])
def test_a_mapping_chooses_the_sheet(read, sheet):
    body = workbook({"Feb": [HEADER, ROWS[0]], "March": [HEADER, *ROWS[1:]]})
    assert read(body, hints={"sheet": sheet}).texts == CLEAN[1:]


def test_a_sheet_that_does_not_exist_is_refused(read):
    with pytest.raises(IngestError, match="'Feb', 'March'") as caught:
        read(workbook({"Feb": [HEADER], "March": [HEADER]}), hints={"sheet": "April"})
    assert caught.value.code == "mapping_invalid"


def test_columns_of_a_workbook_are_mapped(read):
    body = workbook({"S": [["Shop"], ["Meinung", "Note"], ["Gut", 4], ["Schlecht", 1.5]]})
    got = read(body, mapping={"text": "Meinung", "rating": "Note"})
    assert [(row["text"], row["rating"]) for row in got.rows] == [("Gut", 4), ("Schlecht", 1.5)]
    got = read(
        workbook({"S": [["Gut", 4], ["Schlecht", 1]]}),
        mapping={"text": "1", "rating": "2"},
        hints={"header": "none"},
    )
    assert [(row["text"], row["rating"]) for row in got.rows] == [("Gut", 4), ("Schlecht", 1)]


def test_errors_of_formulas_are_missing_values(read):
    got = read(workbook({"S": [HEADER, ["P1", "#N/A", "#REF!", "Good_x000D_ lamp", None]]}))
    assert (got.rows[0]["text"], got.rows[0]["rating"]) == ("Good lamp", None)
    assert got.rows[0]["title"] is None


def test_a_stated_size_that_is_wrong_is_ignored(read):
    body = workbook({"S": [HEADER, *ROWS]})
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'ref="A1:E4"', b'ref="A1"'))
    assert read(changed.getvalue()).texts == CLEAN


def test_a_workbook_in_gzip_or_zip_is_read(read):
    body = workbook({"S": [HEADER, *ROWS]})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export.xlsx", body)
    assert read(gzip.compress(body)).texts == CLEAN
    assert read(packed.getvalue()).texts == CLEAN


def test_a_workbook_that_expands_too_far_is_refused(read):
    body = workbook({"S": [HEADER, *[["P1", 5, "t", "Good lamp " * 500, DAY]] * 50]})
    with pytest.raises(IngestError, match="expands") as caught:
        read(body, ratio_floor=1000, max_ratio=2.0)
    assert caught.value.code == "decompression_limit"


def test_a_damaged_sheet_keeps_the_rows_before_the_damage(read):
    body = workbook({"S": [HEADER, *ROWS * 50]})
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part[: len(part) * 9 // 10] if "sheet1" in name else part)
    got = read(changed.getvalue())
    assert 100 < len(got.rows) < 150
    assert got.counted == {"truncated_record": 1}


def test_a_truncated_workbook_is_an_ingest_error(read):
    body = workbook({"S": [HEADER, *ROWS]})
    for end in range(40, len(body), 400):
        with pytest.raises(IngestError):
            read(body[:end])


def office(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (r"\.ods", {"mimetype": "application/vnd.oasis.opendocument.spreadsheet",
                    "content.xml": "<x/>"}),
        (r"\.xlsb", {"[Content_Types].xml": "<x/>", "xl/workbook.bin": "x"}),
        ("Word", {"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}),
    ],
)  # fmt: skip
def test_other_office_documents_are_refused_by_name(read, name, parts):
    with pytest.raises(IngestError, match=name) as caught:
        read(office(**parts))
    assert caught.value.code == "format_unknown"


@pytest.mark.parametrize("share", [0, 0.01, 0.5])
def test_compressed_bytes_that_are_damaged_are_a_reject_or_a_refusal(read, share):
    rows = [["P1", 5, "t", f"Good lamp {number * 7919}", DAY] for number in range(2000)]
    body = bytearray(workbook({"S": [HEADER, *rows]}))
    part = zipfile.ZipFile(io.BytesIO(body)).getinfo("xl/worksheets/sheet1.xml")
    data = part.header_offset + 30 + len(part.filename)
    place = data + int(part.compress_size * share)
    body[place : place + 20] = b"\xff" * 20
    with suppress(IngestError):
        assert read(bytes(body)).counted == {"truncated_record": 1}


@pytest.mark.parametrize(("offset", "value"), [(6, 1), (8, 9), (8, 14), (8, 99)])
def test_parts_that_are_encrypted_or_compressed_otherwise_are_refused(read, offset, value):
    body = bytearray(workbook({"S": [HEADER, *ROWS]}))
    for part in zipfile.ZipFile(io.BytesIO(body)).infolist():
        entry = body.find(part.filename.encode(), body.find(b"PK\x01\x02")) - 46
        body[part.header_offset + offset] = body[entry + offset + 2] = value
    with pytest.raises(IngestError) as caught:
        read(bytes(body))
    assert caught.value.code == "format_unknown"
