"""Cleaning, ratings, dates, votes and identities."""

import datetime as dt
import io
import json
import math
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.collection.reading.cleaning import clean_text
from lambdas.collection.reading.dates import to_micros
from lambdas.collection.reading.values import parse_flag, parse_votes

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
        ("\u200d\u200c \ufe0f", ""),
        ("\u3164\u2800 ", ""),
    ],
)
def test_cleaning(text, clean):
    assert clean_text(text) == clean
    assert clean_text(clean) == clean


@pytest.mark.parametrize("text", ["\\" * 200_000, "<!--" * 50_000, "&" * 200_000, "<a x=" * 40_000])
def test_hostile_text_is_cleaned_in_linear_time(text):
    clean_text(text)  # a quadratic pattern would run into the time limit of the test


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
        "Wed May 21 00:00:00 +0000 2014",
        "Tue May 20 17:00:00 PDT 2014",
        "Wed, 21 May 2014 02:00:00 +0200",
        "Reviewed in the United States on May 21, 2014",
        "Reviewed in the United Kingdom 🇬🇧 on 21 May 2014",
        "Rezension aus Deutschland vom 21. Mai 2014",
        "Commenté en France le 21 mai 2014",
        "Revisado en México el 21 de mayo de 2014",
        "Recensito in Italia il 21 maggio 2014",
        "Avaliado no Brasil em 21 de maio de 2014",
        "Wednesday, May 21st, 2014",
        "21/5/2014",
        "5/21/14",
        "21.5.2014 00:00",
        "21-05-2014, 12:00 AM",
        {"$date": "2014-05-21T00:00:00Z"},
        {"$date": {"$numberLong": "1400630400000"}},
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
        "3/9/2022",
        "31/31/2022",
        "5 of many 2014",
        "Mai 2014",
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
    assert got.warnings == ["1 dates could not be read"]


MONTH_NAMES = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
    "dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro",
}


@pytest.mark.parametrize("language", MONTH_NAMES)
def test_months_of_six_languages(language):
    for number, name in enumerate(MONTH_NAMES[language].split(), 1):
        expected = int(dt.datetime(2021, number, 5, tzinfo=dt.UTC).timestamp()) * 10**6
        for date in (f"5 {name} 2021", f"5. {name.upper()} 2021", f"5 de {name} de 2021"):
            assert to_micros(date) == expected, date


def dated(*dates):
    return "product_id,rating,review text,date\n" + "".join(
        f"P{n},5,Works fine {n},{date}\n" for n, date in enumerate(dates)
    )


def days_of(got):
    return [row["reviewed_at"] and row["reviewed_at"].date().isoformat() for row in got.rows]


@pytest.mark.parametrize(
    ("dates", "order", "days"),
    [
        (["03/09/2022 17:45", "21/8/2022 8:06"], "dmy", ["2022-09-03", "2022-08-21"]),
        (["03/09/2022", "8/21/2022"], "mdy", ["2022-03-09", "2022-08-21"]),
        (["3-9-22 5:45 PM", "8-21-22"], "mdy", ["2022-03-09", "2022-08-21"]),
        (["03.09.2022", "04.09.2022"], "dmy", ["2022-09-03", "2022-09-04"]),
    ],
)
def test_the_whole_sample_decides_the_order_of_dates(read, dates, order, days):
    got = read(dated(*dates))
    assert days_of(got) == days
    assert got.dump.profile.details["date_order"] == order
    assert got.warnings == []


def test_an_order_that_is_not_clear_stores_no_date(read):
    got = read(dated("03/09/2022", "01/02/2022", "5/5/2022"))
    assert days_of(got) == [None, None, "2022-05-05"]
    assert got.dump.profile.details["date_order"] == "ambiguous"
    assert any("date_order" in warning for warning in got.warnings)
    assert "2 dates could not be read" in got.warnings


@pytest.mark.parametrize(
    ("order", "day"), [("dmy", "2022-09-03"), ("mdy", "2022-03-09"), ("DD/MM/YYYY", "2022-09-03")]
)
def test_the_mapping_states_the_order_of_dates(read, order, day):
    got = read(dated("03/09/2022"), mapping={"date_order": order})
    assert days_of(got) == [day]
    assert got.warnings == []


@pytest.mark.parametrize(
    ("value", "votes"),
    [(3, 3), ("1,341", 1341), ([2, 5], 2), ("3 of 5", 3), ("", None), ("many", None), (-1, None),
     ("12 people found this helpful", 12), ("One person found this helpful", 1), ("1/2", 1),
     ("1,234 people found this helpful", 1234), ("NULL", None), ({"$numberInt": "4"}, 4),
     ("12 Personen fanden diese Informationen hilfreich", 12),
     ("Eine Person fand diese Informationen hilfreich", 1),
     ("1.234 personnes ont trouvé cela utile", 1234), ("Une personne a trouvé cela utile", 1),
     ("A 12 personas les resultó útil", 12), ("A una persona le pareció esto útil", 1),
     ("12 persone l'hanno trovato utile", 12), ("Una persona l'ha trovato utile", 1),
     ("12 pessoas acharam isso útil", 12), ("Uma pessoa achou isso útil", 1),
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


def test_without_ids_rows_that_differ_in_any_column_are_other_reviews(read):
    body = "id,username,dish_id,rating,comment\n1,ann,3,4,Nice\n2,ann,9,4,Nice\n3,bob,3,4,Nice\n"
    rows = read(body + "3,bob,3,4,Nice\n").rows
    assert len({row["review_id"] for row in rows}) == 3
    assert rows[2]["review_id"] == rows[3]["review_id"]


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_column_without_a_field_tells_reviews_apart_in_every_format(read, form):
    columns = {"text": ["Nice"] * 3, "rating": [5.0] * 3, "place": ["Bern", "Rome", "Bern"]}
    if form == "parquet":
        file = io.BytesIO()
        pq.write_table(pa.table(columns), file)
        body = file.getvalue()
    else:
        rows = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        body = "\n".join(map(json.dumps, rows))
        if form == "csv":
            body = "\n".join([",".join(columns), *(",".join(map(str, r.values())) for r in rows)])
    first, second, third = (row["review_id"] for row in read(body).rows)
    assert first == third != second
    assert [row["review_id"] for row in read(body, name="again").rows] == [first, second, third]
    assert read(body, key=b"other").rows[0]["review_id"] != first, "the row may name the reviewer"


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
