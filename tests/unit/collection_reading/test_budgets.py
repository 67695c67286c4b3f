"""The budget of a record: what exceeds it is rejected, and honest texts stay as they are."""

import io
import json
import unicodedata
import zipfile

import openpyxl
import pytest

from lambdas.collection.reading.cleaning import TooComplexError, clean_text
from shared.errors import IngestError
from shared.schemas.text import MAX_MARKS_IN_A_RUN

GRAVE, ACUTE_BELOW = "\u0300", "\u0317"
"""Marks of different classes, which normalization must sort."""


def lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def review(text, **fields):
    return {"reviewText": text, "overall": 4, "asin": "B1", **fields}


@pytest.mark.parametrize(
    "text",
    [
        "a" + (GRAVE + ACUTE_BELOW) * 200_000,
        "a" + GRAVE * (MAX_MARKS_IN_A_RUN + 1),
        "a" + (GRAVE + "\u200b" + ACUTE_BELOW + "<b></b>") * 40,
        "a" + "&#768;&#791;" * 40,
        "a" + "\u0f73" * 100,
        "a" + (GRAVE * 9 + "b") * 2000,
    ],
    ids=["row", "run", "joined", "entities", "decomposed", "total"],
)
def test_a_text_with_too_many_marks_is_rejected_with_the_reason(read, text):
    got = read(lines(review("before"), review(text), review("after")))
    assert got.texts == ["before", "after"]
    assert got.reasons == [(2, "record_too_complex")]
    assert "combining marks" in got.rejects[0].detail
    assert got.rejects[0].raw


@pytest.mark.parametrize("sign", ["\U0001d160", "\U0001d15e", "\ufb2c"])
def test_a_long_text_that_grows_when_it_is_normalized_is_rejected(read, sign):
    got = read(lines(review("before"), review(sign * 80_000), review(sign * 90)))
    assert got.texts == ["before", unicodedata.normalize("NFC", sign * 90)]
    assert got.reasons == [(2, "record_too_complex")]
    assert "once it is normalized" in got.rejects[0].detail


@pytest.mark.parametrize("field", ["summary", "reviewerID", "asin", "brand"])
def test_marks_count_in_every_field(read, field):
    value = "a" + (GRAVE + ACUTE_BELOW) * 5000
    got = read(lines(review("before"), review("fine", brand="x") | {field: value}))
    assert got.texts[0] == "before"
    assert len(got.rejects) + len(got.rows) == 2


@pytest.mark.parametrize(
    "text",
    [
        unicodedata.normalize("NFD", "Tiếng Việt rất đẹp, giá hợp lý, sẽ mua lại. ") * 3000,
        "สินค้าดีมาก ส่งเร็ว น้ำหนักเบา ",
        "बहुत अच्छा उत्पाद है, ज़रूर खरीदें ",
        "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \u05e2\u05b4\u05d1\u05b0\u05e8 " * 3000,
        "Z" + GRAVE * 20 + "a" + ACUTE_BELOW * 20 + "lgo",
        "a" + GRAVE * MAX_MARKS_IN_A_RUN,
        "family 👨\u200d👩\u200d👧\u200d👦 thumbs 👍🏽 flag 🇩🇪 heart ❤\ufe0f",
    ],
    ids=["vietnamese", "thai", "hindi", "hebrew", "zalgo", "limit", "emoji"],
)
def test_honest_texts_with_marks_are_kept(text):
    assert clean_text(text) == unicodedata.normalize("NFC", text).strip()


@pytest.mark.parametrize("before", range(MAX_MARKS_IN_A_RUN + 2))
def test_a_long_run_is_found_wherever_it_begins(before):
    text = "a" * before + GRAVE * (MAX_MARKS_IN_A_RUN + 1) + "b"
    with pytest.raises(TooComplexError):
        clean_text(text)


def test_an_object_of_rejects_alone_is_not_read_to_its_end(read):
    with pytest.raises(IngestError) as failed:
        read(lines(review("fine")) + "x\n" * 5000, batch_rows=100, max_rejects=1000)
    assert failed.value.code == "too_many_rejects"
    assert "1099 of the first 1100 rows" in failed.value.message


def test_many_rejects_among_more_rows_are_no_reason_to_stop(read):
    body = (lines(review("fine")) * 2 + "x\n") * 400
    assert len(read(body, batch_rows=100, max_rejects=100).rejects) == 400


def test_rejects_of_all_members_of_an_archive_count(read):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(5):
            archive.writestr(f"{number}.jsonl", lines(review("fine")) + "x\n" * 300)
    with pytest.raises(IngestError) as failed:
        read(file.getvalue(), batch_rows=100, max_rejects=1000)
    assert failed.value.code == "too_many_rejects"


def test_a_sheet_may_not_have_thousands_of_columns(read):
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["reviewText", *(f"c{number}" for number in range(1000))])
    book.active.append(["works well", 1])
    book.save(file)
    with pytest.raises(IngestError, match="the header has 1001 columns, the limit is 1000"):
        read(file.getvalue())
