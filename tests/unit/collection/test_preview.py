"""What a preview of a dump shows."""

import gzip
import io
import json

import pytest

from lambdas.collection.preview import preview_dump
from lambdas.collection.reading import ReadOptions
from shared.errors import IngestError

BODY = "review,rating,colour,user id\n" + "".join(
    f"Review number {n % 90}.,{n % 5 + 1},red,U{n % 90}\n" for n in range(100)
)


def preview(body, *, name="uploads/Shop.csv", mapping=None, max_bytes=2**20, **options):
    data = body.encode() if isinstance(body, str) else body
    return preview_dump(
        io.BytesIO(data),
        name=name,
        options=ReadOptions(mapping=mapping, reviewer_key=b"k" * 32),
        max_bytes=max_bytes,
        **options,
    )


def test_a_preview_shows_the_mapping_and_ten_rows():
    shown = preview(BODY)
    assert (shown.format, shown.compression, shown.dump_schema) == ("csv", "none", "mapped")
    assert shown.mapping == {"text": ["review"], "rating": ["rating"], "reviewer": ["user id"]}
    assert shown.unused_columns == ["colour"]
    assert {"title", "date", "product_id"} <= set(shown.missing_fields)
    assert len(shown.rows) == 10
    assert shown.rows[0] == {"text": "Review number 0.", "rating": 1.0}
    assert shown.source == "shop"
    assert shown.is_complete


def test_the_counts_of_a_preview_add_up_over_the_whole_dump():
    shown = preview(BODY + ",5,red,U1\n")
    assert (shown.rows_read, shown.stored, shown.duplicates, shown.rejected) == (101, 90, 10, 1)
    assert shown.rejects_by_reason == {"text_missing": 1}
    assert shown.rejects[0].line == 102


def test_a_preview_counts_the_languages_of_its_first_rows():
    rows = [f"The lid of kettle {n} leaks and I want my money back." for n in range(190)]
    rows += [f"Der Deckel vom Kessel {n} ist leider schon kaputt." for n in range(30)]
    shown = preview("text\n" + "\n".join(rows))
    assert shown.languages == {"en": 190, "de": 10}


def test_an_unclear_column_leaves_the_clear_ones_mapped():
    shown = preview("Opinion,rating,colour\nWarm.,5,red\n")
    assert shown.error_code == "schema_unknown"
    assert shown.mapping == {"rating": ["rating"]}
    assert shown.unused_columns == ["Opinion", "colour"]
    assert "rating" not in shown.missing_fields


def test_a_mapping_is_applied():
    assert preview(BODY, mapping={"text": "colour"}).mapping == {"text": ["colour"]}
    with pytest.raises(IngestError, match="not a column"):
        preview(BODY, mapping={"text": "nope"})


def test_a_preview_reveals_no_hash_of_a_reviewer():
    assert {"reviewer_key", "review_id"}.isdisjoint(preview(BODY).rows[0])


def test_reading_stops_at_the_limits():
    rows = b"".join(json.dumps({"text": f"Text {n}."}).encode() + b"\n" for n in range(60_000))
    by_bytes = preview(rows, max_bytes=100_000)
    assert by_bytes.rows_read < 60_000
    by_rows = preview(rows, max_bytes=2**30, max_rows=1500)
    for shown in (by_bytes, by_rows):
        assert not shown.is_complete
        assert shown.rows_read == shown.stored + shown.duplicates + shown.rejected


@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_the_beginning_of_a_dump_has_no_reject_for_its_last_record(compress):
    rows = b"".join(
        json.dumps({"text": f"A text with {n * 7919} words.", "rating": 5}).encode() + b"\n"
        for n in range(2000)
    )
    head = compress(rows)
    shown = preview(head[: len(head) // 2 + 7], is_cut=True)
    assert (shown.rejected, shown.rejects, shown.rejects_by_reason) == (0, [], {})
    assert shown.rows_read == shown.stored
    assert not shown.is_complete
    assert not [warning for warning in shown.warnings if "truncated" in warning]


_QUOTED = "review,rating,user\n" + "".join(
    f'"Line one of {n}.\nLine two, with a comma.",{n % 5 + 1},U{n * 7919}\n' for n in range(300)
)


@pytest.mark.parametrize("missing", [1, 3, 20, 45], ids=["user", "rating", "line two", "line one"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_row_that_the_beginning_cuts_is_neither_stored_nor_rejected(compress, encoding, missing):
    whole = _QUOTED.rstrip("\n")
    head = whole[: len(whole) - missing].encode(encoding)
    shown = preview(compress(head), is_cut=True)
    assert (shown.rows_read, shown.stored, shown.rejected) == (299, 299, 0)


@pytest.mark.parametrize("separator", ["\t", "|"])
def test_a_cut_value_at_the_end_of_an_unquoted_row_is_not_shown(separator):
    lines = [f"Review {n} is written{separator}5{separator}U{n}00" for n in range(50)]
    text = separator.join(["review", "rating", "user"]) + "\n" + "\n".join(lines)
    shown = preview(text[:-1], is_cut=True)
    assert (shown.rows_read, shown.stored, shown.rejected) == (49, 49, 0)


def test_a_beginning_of_only_the_header_has_no_rows():
    shown = preview("review,rating,user\n", is_cut=True)
    assert (shown.columns, shown.rows_read, shown.rejected) == (["review", "rating", "user"], 0, 0)
