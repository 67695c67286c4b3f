"""Both clients against the insights application on the real database."""

import socket
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
import uvicorn

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies
from reviewlens import InvalidAnswerError, NotFoundError, RequestRejectedError
from tests.clients import KINDS, client_of


@contextmanager
def served(app):
    """Serve an application on a free loopback port; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(params=KINDS)
def client(request, database):
    app = create_app(lambda: Dependencies(database))
    with served(app) as url, client_of(request.param, url) as made:
        yield made


@pytest.fixture
def shop(fill):
    fill(
        [
            {
                "review_id": f"r{number}",
                "product_id": f"P{number % 3}",
                "text": f"The hinge number {number} broke.",
                "rating": 1.0 + number % 5,
                "reviewed_at": datetime(2026, 3, number + 1, 12, tzinfo=UTC),
                "sentiment": "negative" if number % 2 else "positive",
            }
            for number in range(20)
        ]
    )


def test_pages_of_products_and_reviews(client, shop):
    assert {product.product_id for product in client.products(limit=2)} == {"P0", "P1", "P2"}
    reviews = list(client.reviews(sentiment="negative", limit=3))
    assert [review.review_id for review in reviews] == [f"r{n}" for n in range(19, 0, -2)]
    first_days = list(client.reviews(last_day=date(2026, 3, 2)))
    assert [review.review_id for review in first_days] == ["r1", "r0"]
    assert client.reviews(min_rating=5, limit=1).page().next_cursor
    assert list(client.duplicates()) == []


def test_figures_and_their_links(client, shop):
    trend = client.trends(product_id="P0", interval="day", first_day="2026-03-01")
    assert trend.first_day == date(2026, 3, 1)
    assert sum(point.reviews for point in trend.points) == trend.totals.reviews == 7
    (point,) = [point for point in trend.points if point.start == date(2026, 3, 4)]
    (review,) = client.linked_reviews(point.reviews_link)
    assert review.review_id == "r3"
    assert client.product("P0").freshness.pending_reviews == 0
    assert [segment.reviews for segment in client.segments("source").segments] == [20]
    assert client.movers().movers == []
    assert client.drift().model_version is None
    assert client.aspects().reviews_read >= 0


def test_errors_of_the_application_are_typed(client):
    with pytest.raises(NotFoundError) as caught:
        client.product("none")
    assert (caught.value.status, caught.value.code) == (404, "not_found")
    with pytest.raises(RequestRejectedError) as caught:
        client.reviews(limit=1000).page()
    assert [error.field for error in caught.value.errors] == ["limit"]
    with pytest.raises(RequestRejectedError, match="cursor"):
        client.products(cursor="x").page()
    with pytest.raises(InvalidAnswerError):
        client.linked_reviews("https://evil.example/reviews")
