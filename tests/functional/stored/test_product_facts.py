"""A fact about a product: from dumps of several families to products, results and filters."""

import csv
import io
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from lambdas.collection.reading import ReadOptions, read_dump
from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies as InsightsDependencies
from shared.db.insights.rollups import refresh
from shared.index.reader import IndexReader
from shared.schemas.search import SearchFilters
from shared.serving.answers import search_result
from shared.storage import artefacts
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fixtures.stored.make import DIMENSION, fill

AMAZON_2018 = {"reviewText": "Fits well", "overall": 5, "asin": "B1", "verified": True}
AMAZON_2023 = {"text": "Fits well", "rating": 5, "parent_asin": "B1", "user_id": "U1"}
DATAFINITI = {"reviews.text": "Fits well", "reviews.rating": "5", "id": "B1", "name": "Lamp"}
COLUMNS = {"Opinion": "Fits well", "Grade": "5", "Maker": "Lumen"}


def csv_of(row):
    out = io.StringIO()
    writer = csv.DictWriter(out, row)
    writer.writeheader()
    writer.writerow(row)
    return out.getvalue().encode()


@pytest.mark.parametrize(
    ("body", "mapping"),
    [
        (json.dumps({**AMAZON_2018, "brand": "Lumen"}).encode(), None),
        (json.dumps({**AMAZON_2023, "brand": " Lumen "}).encode(), None),
        (csv_of({**DATAFINITI, "brand": "Lumen"}), None),
        (csv_of({"text": "Fits well", "rating": "5", "Brand Name": "Lumen"}), None),
        (csv_of(COLUMNS), {"text": "Opinion", "rating": "Grade", "brand": "Maker"}),
    ],
    ids=["amazon2018", "amazon2023", "datafiniti", "well-known", "mapped"],
)
def test_a_dump_has_the_brand_in_its_clean_rows(body, mapping):
    options = ReadOptions(mapping=mapping, reviewer_key=b"k")
    (batch,) = read_dump(io.BytesIO(body), name="dump", options=options)
    assert batch.table["brand"].to_pylist() == ["Lumen"]


@pytest.mark.parametrize("brand", [None, "", "  ", [], {"name": "Lumen"}])
def test_a_brand_that_is_empty_or_no_text_is_none(brand):
    body = json.dumps({**AMAZON_2023, "brand": brand}).encode()
    (batch,) = read_dump(io.BytesIO(body), name="dump", options=ReadOptions(reviewer_key=b"k"))
    assert batch.table["brand"].to_pylist() == [None]


def reviews():
    """Three products, of which one has a brand in some of its reviews alone."""
    brands = [("B1", "Lumen"), ("B1", None), ("B2", "Brook & Co"), ("B3", None)]
    for number in range(8):
        product, brand = brands[number % 4]
        yield {
            **AMAZON_2023,
            "parent_asin": product,
            "brand": brand,
            "text": f"A lovely thing, number {number}",
        }


@pytest.fixture
def stores(database):
    made = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")}
    fill(database, made, "\n".join(map(json.dumps, reviews())).encode(), reviews=8)
    refresh(database)
    return made


def test_products_show_the_brand_and_are_filtered_by_it(database, stores):
    with TestClient(create_app(lambda: InsightsDependencies(database))) as http:
        answer = http.get("/products").json()["products"]
        brands = {product["product_id"]: product["brand"] for product in answer}
        assert brands == {"B1": "Lumen", "B2": "Brook & Co", "B3": None}
        assert http.get("/products/B2").json()["brand"] == "Brook & Co"
        for brand, expected in (("Lumen", ["B1"]), ("", ["B3"]), ("nobody", [])):
            found = http.get("/products", params={"brand": brand}).json()["products"]
            assert [product["product_id"] for product in found] == expected
        refused = http.get("/products", params={"brand": "a\0"})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


def test_search_results_show_the_brand_and_are_filtered_by_it(stores, tmp_path):
    store = stores["artefacts"]
    version = artefacts.current(store, "index").version
    index = IndexReader(artefacts.fetch(store, "index", version, tmp_path))
    query = np.asarray(WordEncoder(DIMENSION).encode(["thing"]).embeddings[0], np.float32)
    results = [search_result(hit) for hit in index.search(query, 8)]
    assert {(one.product_id, one.brand) for one in results} == {
        ("B1", "Lumen"),
        ("B1", None),
        ("B2", "Brook & Co"),
        ("B3", None),
    }
    hits = index.search(query, 8, SearchFilters(brand="Lumen"))
    assert [hit.row.brand for hit in hits] == ["Lumen", "Lumen"]
    assert index.search(query, 8, SearchFilters(brand="Lumen", category="kitchen")) == []
