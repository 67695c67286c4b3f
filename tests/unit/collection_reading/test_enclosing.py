"""Products with their reviews inside: facts beside the list belong to its reviews."""

import json

import pytest

chunks = pytest.mark.parametrize("chunk", [None, 1, 7])
PRODUCTS = [
    {"asin": "A1", "title": "Lamp", "brand": "Lumen", "reviews": [{"body": "Bright", "stars": 5}]},
    {"asin": "A2", "title": "Fan", "reviews": [{"body": "Loud", "stars": 2}]},
]
EXPECTED = [("Bright", "A1", "Lamp", "Lumen"), ("Loud", "A2", "Fan", None)]


def facts(got):
    names = ("text", "product_id", "product_title", "brand")
    return [tuple(row[name] for name in names) for row in got.rows]


@chunks
@pytest.mark.parametrize("indent", [None, 1])
def test_each_review_has_the_facts_of_its_product(read, chunk, indent):
    lines = "\n".join(json.dumps(each) for each in PRODUCTS)
    for body in (json.dumps(PRODUCTS, indent=indent), json.dumps({"data": PRODUCTS}), lines):
        assert facts(read(body, chunk=chunk)) == EXPECTED


@chunks
def test_numbers_are_facts_and_objects_are_none(read, chunk):
    document = {
        "product_id": 1234567890,
        "brand": {"name": "x"},
        "category": None,
        "page": {"sku": "no"},
        "reviews": [{"text": "Bright"}, {"text": "Dim", "product_id": ""}],
    }
    got = read(json.dumps(document), chunk=chunk)
    assert [row["product_id"] for row in got.rows] == [None, None]
    del document["reviews"][1]["product_id"]
    got = read(json.dumps(document), chunk=chunk)
    assert [(row["product_id"], row["brand"]) for row in got.rows] == [("1234567890", None)] * 2


def test_equal_reviews_of_two_products_are_two_reviews(read):
    body = json.dumps(
        [{"sku": name, "reviews": [{"text": "Good", "rating": 5}]} for name in ("a", "b")]
    )
    assert len({row["review_id"] for row in read(body).rows}) == 2


def test_facts_after_the_list_are_named_in_a_warning(read):
    body = json.dumps({"reviews": [{"text": "Good", "rating": 5}], "sku": "a"})
    got = read(body)
    assert got.warnings == ["'sku' beside the records is not read, as it comes after them"]


def test_the_name_of_an_answer_is_no_product(read):
    body = json.dumps({"id": "request-1", "title": "Reviews", "reviews": [{"text": "Good"}]})
    assert facts(read(body)) == [("Good", None, None, None)]


def test_json_ld_of_a_product(read):
    review = {"@type": "Review", "reviewBody": "Bright", "reviewRating": {"ratingValue": "4"}}
    body = json.dumps({"@type": "Product", "name": "Lamp", "review": [{**review, "name": "Nice"}]})
    (row,) = read(body).rows
    assert (row["product_title"], row["rating"]) == ("Lamp", 4)
