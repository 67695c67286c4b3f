"""Which column is which: the known families, well-known names, and mappings."""

import datetime as dt
import json

import pytest

from lambdas.collection.reading.schemas import choose_schema
from shared.errors import IngestError

UTC = dt.UTC


def only(got):
    (row,) = got.rows
    return row


def test_amazon_2014(read):
    row = only(
        read(
            '{"reviewerID": "A1", "asin": "B1", "reviewerName": "x", "helpful": [2, 3], '
            '"reviewText": "Fits", "overall": 4.0, "summary": "Good", '
            '"unixReviewTime": 1400630400, "reviewTime": "05 21, 2014"}'
        )
    )
    assert (row["source"], row["product_id"], row["title"]) == ("amazon2014", "B1", "Good")
    assert (row["rating"], row["helpful_votes"]) == (4.0, 2)
    assert row["reviewed_at"] == dt.datetime(2014, 5, 21, tzinfo=UTC)


def test_amazon_2018_uses_the_written_date_if_the_number_is_missing(read):
    row = only(
        read(
            '{"overall": 5.0, "vote": "1,341", "verified": true, "reviewTime": "05 1, 2014", '
            '"reviewerID": "A1", "asin": "B1", "style": {"Size:": " L"}, "reviewText": "Fits"}'
        )
    )
    assert (row["source"], row["verified"], row["helpful_votes"]) == ("amazon2018", True, 1341)
    assert row["reviewed_at"] == dt.datetime(2014, 5, 1, tzinfo=UTC)


def test_amazon_2023(read):
    row = only(
        read(
            '{"rating": 5.0, "title": "Nice", "text": "Smells<br />good", "images": [], '
            '"asin": "B1", "parent_asin": "B0", "user_id": "AE", "timestamp": 1588687728923, '
            '"helpful_vote": 7, "verified_purchase": true}'
        )
    )
    assert (row["source"], row["product_id"]) == ("amazon2023", "B0")
    assert (row["text"], row["original_text"]) == ("Smells good", "Smells<br />good")
    assert row["reviewed_at"] == dt.datetime(2020, 5, 5, 14, 8, 48, 923000, tzinfo=UTC)
    assert (row["helpful_votes"], row["verified"]) == (7, True)


def test_datafiniti_ids_are_products(read):
    header = "id,name,reviews.date,reviews.id,reviews.rating,reviews.text,reviews.username\n"
    row = only(read(header + "AV1,Tablet,2017-09-03T00:00:00.000Z,,3,Too small,ann\n"))
    assert (row["source"], row["product_id"]) == ("datafiniti", "AV1")
    assert row["review_id"].startswith("h:")


def test_well_known_column_names_need_no_mapping(read):
    row = only(
        read(
            "\trating\tdate\tvariation\tverified_reviews\tfeedback\n0\t5\t31-Jul-18\tBlack\tIt\t1\n"
        )
    )
    assert (row["source"], row["text"], row["category"]) == ("dump", "It", "Black")
    assert row["reviewed_at"] == dt.datetime(2018, 7, 31, tzinfo=UTC)
    body = ",Clothing ID,Title,Review Text,Rating\n0,767,,Soft,4\n"
    assert only(read(body))["product_id"] == "767"


@pytest.mark.parametrize("product", ["product_id", "business_id", "gmap_id", "book_id", "app_id"])
@pytest.mark.parametrize("text", ["text", "review_text"])
def test_a_reviewer_and_a_text_make_no_amazon_dump(read, product, text):
    body = f"user_id,{product},rating,{text},date,useful\nU1,P1,5,Fine,2020-02-03,4\n"
    got = read(body)
    row = only(got)
    assert (row["source"], row["product_id"], row["helpful_votes"]) == ("dump", "P1", 4)
    assert got.dump.profile.dump_schema == "mapped"
    assert row["reviewed_at"] == dt.datetime(2020, 2, 3, tzinfo=UTC)


def test_an_asin_and_a_text_make_no_multidomain_dump(read):
    got = read("user_id,asin,rating,review_text,review_date\nU1,B1,5,Fine,2020-02-03\n")
    row = only(got)
    assert (row["source"], row["product_id"]) == ("dump", "B1")
    assert got.dump.profile.dump_schema == "mapped"
    assert row["reviewed_at"] == dt.datetime(2020, 2, 3, tzinfo=UTC)
    assert row["reviewer_key"]


def test_the_review_of_flipkart_is_a_title_and_its_summary_the_text(read):
    header = "product_name,product_price,Rate,Review,Summary,Sentiment\n"
    row = only(read(header + "Cooler,3999,5,super!,keeps the room cold,positive\n"))
    assert (row["title"], row["text"]) == ("super!", "keeps the room cold")
    assert (row["rating"], row["product_title"]) == (5.0, "Cooler")


@pytest.mark.parametrize(
    "columns", [["foo", "bar"], ["review", "comment"], ["text", "stars", "score"]]
)
def test_columns_that_are_not_known_or_not_clear_are_named(columns):
    with pytest.raises(IngestError) as caught:
        choose_schema(columns, None)
    assert caught.value.code == "schema_unknown"
    assert "--map text=COLUMN,rating=COLUMN" in caught.value.message
    assert all(repr(column) in caught.value.message for column in columns)


def test_a_mapping_names_the_columns(read):
    body = "Nr,Meinung,Note,Wann,Quelle\n17,Sehr gut,4,2020-02-03,shop\n"
    mapping = {"text": "Meinung", "rating": "Note", "date": "Wann", "review_id": "Nr"}
    row = only(read(body, mapping=mapping))
    assert (row["text"], row["rating"]) == ("Sehr gut", 4.0)
    assert only(read(body, mapping={**mapping, "source": "Quelle"}))["review_id"] == "shop:17"
    assert only(read(body, mapping={**mapping, "source": "brand"}))["review_id"] == "brand:17"


def test_dumps_with_the_same_ids_are_not_duplicates_of_each_other(read):
    first = read("review_id,text,rating\n1,Good,5\n2,Good,5\n").rows
    second = read("review_id,text,rating\n1,Bad,1\n2,Fine,3\n").rows
    assert len({row["review_id"] for row in (*first, *second)}) == 4
    again = read('"review_id";"text";"rating"\n"1";"Good";"5"\n"2";"Good";"5"\n').rows
    assert [row["review_id"] for row in again] == [row["review_id"] for row in first]


def test_a_mapping_holds_for_json_and_overrides_what_is_known(read):
    body = json.dumps({"reviewText": "one", "overall": 2, "other": "two"})
    assert only(read(body, mapping={"text": "other"}))["text"] == "two"
    assert only(read(body, mapping={"text": "other"}))["rating"] is None


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"text": "Meinung", "rating": "stars"}, "'stars'"),
        ({"rating": "Note"}, "text"),
        ({"text": "Meinung", "colour": "Note"}, "'colour'"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(read, mapping, message):
    with pytest.raises(IngestError, match=message) as caught:
        read("Meinung,Note\ngut,4\n", mapping=mapping)
    assert caught.value.code == "mapping_invalid"


@pytest.mark.parametrize(
    "body",
    [
        '{"Meinung": "gut", "Note": 4}\n',
        '[{"Meinung": "gut", "Note": 4}]',
        '[\n {\n  "Meinung": "gut",\n  "Note": 4\n }\n]',
        "{'Meinung': 'gut', 'Note': 4}\n",
        "Meinung;Note\ngut;4\n",
        "<review>\n<Meinung>gut</Meinung>\n<Note>4</Note>\n</review>\n",
    ],
)
def test_a_column_that_does_not_exist_is_an_error_in_every_format(read, body):
    with pytest.raises(IngestError, match="'Meinung', 'Note'") as caught:
        read(body, mapping={"text": "Nope"})
    assert caught.value.code == "mapping_invalid"


def test_options_alone_leave_the_columns_recognised(read):
    got = read("text,rating\nFine,10\n", mapping={"rating_scale": "10"})
    assert only(got)["rating"] == 5
    assert got.dump.profile.details["rating_scale"]["decided_on"] == "mapping"
    mapping = {"text": "Meinung", "rating": "Note", "rating_scale": "10"}
    assert only(read("Meinung,Note\ngut,9\n", mapping=mapping))["rating"] == 4.5


@pytest.mark.parametrize("body", ["Just a sentence.\nAnd another.\n", b"\x89PNG\r\n" + bytes(900)])
def test_an_object_that_is_not_a_dump_is_refused(read, body):
    with pytest.raises(IngestError) as caught:
        read(body)
    assert caught.value.code == "format_unknown"
