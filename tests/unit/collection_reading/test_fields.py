"""Cleaning, ratings, dates, votes and identities."""

import datetime as dt
import math
from decimal import Decimal

import pytest

from lambdas.collection.reading.cleaning import clean_text
from lambdas.collection.reading.dates import to_micros
from lambdas.collection.reading.values import parse_flag, parse_rating, parse_votes

KEEP = ["5 <3", "a < b > c", "AT&T and Q&notes", "C:\\path\\n", "if x <b and y> z", "<3 <3", "👩‍👧"]


@pytest.mark.parametrize("text", KEEP)
def test_text_that_only_looks_like_markup_stays(text):
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("one<br />two<BR>three", "one two three"),
        ('see <a href="https://example.org/?a=1">this</a>', "see this"),
        ("<p>one</p><p>two</p>", "one two"),
        ("&quot;good&quot; &amp; &#39;cheap&#39; &amp;lt;3", "\"good\" & 'cheap' <3"),
        ('click the \\\\"Download\\\\" button', 'click the "Download" button'),
        ("[[VIDEOID:0123abc]]Works", "Works"),
        ("[[ASIN:B00001 A Lamp]] is better", "A Lamp is better"),
        ("a\x00b\x07c\u200bd", "abcd"),
        ("cafe\u0301", "café"),
        (" two  spaces\tand\u00a0more\r\n\n ", "two spaces and more"),
        ("\ud83d\ude00 and \udc00", "😀 and �"),
        ("<br/>", ""),
        ("\u200b \ufeff", ""),
    ],
)
def test_cleaning(text, clean):
    assert clean_text(text) == clean
    assert clean_text(clean) == clean


@pytest.mark.parametrize("text", ["\\" * 200_000, "<!--" * 50_000, "&" * 200_000, "<a x=" * 40_000])
def test_hostile_text_is_cleaned_in_linear_time(text):
    clean_text(text)  # a quadratic pattern would run into the time limit of the test


@pytest.mark.parametrize(
    ("value", "stars"),
    [
        ("5", 5.0),
        (" 4.0 ", 4.0),
        (4.5, 4.5),
        (1, 1.0),
        (Decimal(2), 2.0),
        ("5 stars", 5.0),
        ("1 Star", 1.0),
        ("4.0 out of 5 stars", 4.0),
        ("3 of 5", 3.0),
        ("5.0\u00a0out of 5 stars", 5.0),
        (" 2.5/5 ", 2.5),
        (None, None),
        ("", None),
    ],
)
def test_ratings(value, stars):
    assert parse_rating(value) == stars


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("five", "rating_invalid"),
        ("4,5", "rating_invalid"),
        ("1_0", "rating_invalid"),
        ("8/10", "rating_invalid"),
        ("4 out of 50", "rating_invalid"),
        ("stars", "rating_invalid"),
        ("6 stars", "rating_out_of_range"),
        ("-1 star", "rating_out_of_range"),
        (True, "rating_invalid"),
        ([5], "rating_invalid"),
        ("0", "rating_out_of_range"),
        (5.01, "rating_out_of_range"),
        (-3, "rating_out_of_range"),
        (math.nan, "rating_out_of_range"),
        ("inf", "rating_out_of_range"),
        (10**400, "rating_out_of_range"),
    ],
)
def test_an_invalid_rating_has_a_reason(value, reason):
    assert parse_rating(value) == reason


MAY_21 = dt.datetime(2014, 5, 21, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "value",
    [
        1400630400,
        "1400630400",
        1400630400.0,
        1400630400000,
        "1400630400000",
        "05 21, 2014",
        "5 21, 2014",
        "21-May-14",
        "21 May 2014",
        "May 21, 2014",
        "2014-05-21",
        "20140521",
        20140521,
        20140521.0,
        "20140521.0",
        "1.4006304e+18",
        Decimal(1400630400000),
        "2014/05/21",
        "2014-5-21",
        "2014-05-21T00:00:00Z",
        "2014-05-21T00:00:00.000Z",
        "2014-05-21 02:00:00+02:00",
        "2014-05-21 00:00:00 UTC",
        dt.date(2014, 5, 21),
        dt.datetime(2014, 5, 21),  # noqa: DTZ001 - Parquet times have no zone
    ],
)
def test_dates_in_every_notation(value):
    assert to_micros(value) == int(MAY_21.timestamp()) * 10**6


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "31 31, 2014",
        "30-Feb-18",
        "99999999",
        0,
        -1,
        5,
        10**30,
        Decimal(10) ** 40,
        math.nan,
        True,
        [1],
    ],
)
def test_a_value_that_is_not_a_date_is_none(value):
    assert to_micros(value) is None


def test_a_bad_date_keeps_the_review_and_gives_a_warning(read):
    got = read("rating,text,date\n5,fine,someday\n4,good,2020-01-01\n3,no date,\n")
    assert got.texts == ["fine", "good", "no date"]
    assert got.rows[0]["reviewed_at"] is None
    assert got.dump.warnings == ["1 dates could not be read"]


@pytest.mark.parametrize(
    ("value", "votes"),
    [(3, 3), ("1,341", 1341), ([2, 5], 2), ("3 of 5", 3), ("", None), ("many", None), (-1, None),
     (2**40, None), (3.0, 3), ([], None), (True, None)],
)  # fmt: skip
def test_votes(value, votes):
    assert parse_votes(value) == votes


@pytest.mark.parametrize(
    ("value", "flag"),
    [("Y", True), ("n", False), (True, True), (0, False), ("?", None), (None, None)],
)
def test_flags(value, flag):
    assert parse_flag(value) is flag


def test_the_same_review_has_one_identity_in_every_file_and_format(read):
    as_csv = "rating,text,asin,reviewer,date\n5,Good &amp; cheap,B1,ann,2014-05-21\n"
    as_json = (
        '{"reviewText": "junk"}\n{"overall": 5.0, "reviewText": "Good & cheap", "asin": "B1", '
        '"reviewerID": "ann", "unixReviewTime": 1400630400}'
    )
    (first,) = read(as_csv, name="one").rows
    second = read(as_json, name="two").rows[1]
    assert first["review_id"] == second["review_id"]
    assert first["reviewer_key"] == second["reviewer_key"]


def test_any_difference_in_content_is_another_review(read):
    base = {"rating": "5", "text": "Good", "asin": "B1", "reviewer": "ann", "date": "2014-05-21"}
    changes = [{}, {"rating": "4"}, {"text": "Bad"}, {"asin": "B2"}, {"reviewer": "bob"},
               {"date": "2014-05-22"}]  # fmt: skip
    lines = [",".join((base | change).values()) for change in changes]
    rows = read("\n".join([",".join(base), *lines])).rows
    assert len({row["review_id"] for row in rows}) == len(changes)


def test_reviewers_are_hashed_under_the_secret(read):
    body = '{"reviewText": "Good", "overall": 5, "reviewerID": "A2SUAM1J3GNN3B"}'
    (one,), (other,) = read(body, key=b"one").rows, read(body, key=b"two").rows
    assert len(one["reviewer_key"]) == 32
    assert set(one["reviewer_key"]) <= set("0123456789abcdef")
    assert one["reviewer_key"] != other["reviewer_key"]
    assert "A2SUAM1J3GNN3B" not in str(one)


def test_long_identifiers_stay_within_an_index(read):
    rows = read(f"text,product_id\nfine,{'p' * 5000}a\nfine,{'p' * 5000}b\n").rows
    assert rows[0]["product_id"] != rows[1]["product_id"]
    assert len(rows[0]["product_id"]) <= 200
