"""Every list of insights is cut at 5 MB with a cursor that goes on."""

import random

import pytest

from shared.http import fitting
from tests.functional.insights.reviews import on
from tests.paging import read_pages

MEGABYTE = 2**20


@pytest.fixture
def small(monkeypatch):
    """Answers of at most 60 kB, apart from the fields beside the list."""
    size = 60_000
    monkeypatch.setattr(fitting, "MAX_ANSWER_BYTES", size + fitting._OTHER_FIELDS_BYTES)
    monkeypatch.setattr("lambdas.insights.reviews.MAX_ANSWER_BYTES", size)
    return size


def test_long_texts_make_short_pages(http, fill):
    fill(
        on((2026, 1, day), review_id=f"r{day}", product_id="p", text=f"{day} " + "x" * 900_000)
        for day in range(1, 13)
    )
    sizes, ids, cursor = [], [], None
    while True:
        query = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        response = http.get("/reviews", params=query)
        sizes.append(len(response.content))
        ids += [review["review_id"] for review in response.json()["reviews"]]
        cursor = response.json()["next_cursor"]
        if cursor is None:
            break
    assert ids == [f"r{day}" for day in range(12, 0, -1)]
    assert max(sizes) <= 5_000_000
    assert len(sizes) == 3


@pytest.mark.parametrize("seed", range(3))
def test_pages_of_reviews_of_random_sizes_lose_and_double_nothing(http, fill, small, seed):
    numbers = random.Random(seed)
    count = 80
    fill(
        on(
            (2026, 1, numbers.randint(1, 9)),
            review_id=f"r{n:02d}",
            product_id="p",
            text=f"{n} " + numbers.choice('x"é😀') * int(numbers.paretovariate(0.4) * 20 % 70_000),
        )
        for n in range(count)
    )
    for limit in (1, 7, 200):
        pages = read_pages(http, "/reviews", "reviews", limit=limit)
        ids = [review["review_id"] for page in pages for review in page]
        assert len(ids) == count
        assert set(ids) == {f"r{n:02d}" for n in range(count)}
    assert len(pages) > 1


def test_pages_of_products_and_segments_lose_and_double_nothing(http, fill, small):
    count = 60
    fill(
        {
            "review_id": f"r{n}",
            "product_id": f"p{n:02d}",
            "product_title": "T" * (n * 97 % 5_000),
            "category": f"{n:02d}" + "c" * 500,
        }
        for n in range(count)
    )
    products = read_pages(http, "/products", "products", limit=200)
    ids = [product["product_id"] for page in products for product in page]
    assert sorted(ids) == [f"p{n:02d}" for n in range(count)]
    assert len(products) > 1
    segments = read_pages(http, "/segments", "segments", by="category")
    names = [segment["name"][:2] for page in segments for segment in page]
    assert sorted(names) == [f"{n:02d}" for n in range(count)]
    assert len(segments) > 1


def test_points_with_long_links_are_cut_and_go_on(http, shop):
    query = {"interval": "day", "from": "2026-01-01", "to": "2031-01-01", "category": "読" * 500}
    first = http.get("/trends", params=query)
    assert len(first.content) <= 5_000_000
    pages = read_pages(http, "/trends", "points", **query)
    assert len(pages) > 1
    starts = [point["start"] for page in pages for point in page]
    assert starts == sorted(set(starts))
    assert (starts[0], starts[-1], len(starts)) == ("2026-01-01", "2031-01-01", 1827)
    short = http.get("/trends", params={**query, "category": "Home"}).json()
    assert (len(short["points"]), short["next_cursor"]) == (1827, None)
    assert first.json()["totals"]["reviews"] == 0


@pytest.mark.parametrize("path", ["/trends", "/segments", "/movers", "/aspects"])
def test_a_cursor_of_another_route_is_refused(http, shop, path):
    cursor = http.get("/reviews", params={"limit": 1}).json()["next_cursor"]
    response = http.get(path, params={"cursor": cursor})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "cursor")
