"""How both clients read lists page by page."""

import json

import pytest

from reviewlens import InvalidAnswerError
from tests.contracts.client.responses import FRESH, review_page


def test_items_come_page_by_page(client, server):
    server.answers = [review_page([1, 2], "c1"), review_page([], "c2"), review_page([3], None)]
    pages = client.reviews(product_id="A", limit=2)
    progress = []
    for each in pages:
        progress.append((each.review_id, len(server.requests)))
    assert progress == [("r1", 1), ("r2", 1), ("r3", 3)]
    assert [path.partition("cursor=")[2] for _, path, _, _ in server.requests] == ["", "c1", "c2"]


def test_pages_can_be_read_one_at_a_time(client, server):
    server.answers = [review_page([1], "c1"), review_page([2], None)]
    pages = client.reviews(limit=1)
    first = pages.page()
    second = pages.page(first.next_cursor)
    assert [page.reviews[0].review_id for page in (first, second)] == ["r1", "r2"]
    server.answers = [review_page([1], "c1"), review_page([2], None)]
    assert [page.next_cursor for page in pages.pages()] == ["c1", None]


def test_rejects_are_paged_by_record(client, server):
    reject = {
        "file": "a",
        "line": 1,
        "record": 7,
        "reason": "text_missing",
        "detail": "",
        "raw": "",
    }
    server.answers = [
        (200, {"rejects": [reject], "next_after": 7}),
        (200, {"rejects": [], "next_after": None}),
    ]
    assert [each.record for each in client.rejects("ing_1", limit=1)] == [7]
    assert server.requests[1][1] == "/collect/ing_1/rejects?after=7&limit=1"


def test_a_page_that_follows_itself_ends_the_iteration(client, server):
    server.answers = [review_page([1], "c")]
    with pytest.raises(InvalidAnswerError, match="follows itself"):
        list(client.reviews())
    assert len(server.requests) == 2


def segment(name):
    counts = dict.fromkeys(
        ("reviews", "analysed", "not_understood", "not_analysed", "rated", "products"), 1
    )
    others = dict.fromkeys(("mean_rating", "sentiment_shares", "net_sentiment"))
    return {"name": name, "reviews_link": "/reviews?x=1", **counts, **others}


def segments(names, cursor):
    answer = {"by": "category", "segments": list(map(segment, names)), "next_cursor": cursor}
    return 200, {**answer, "freshness": FRESH}


def ingests(keys, cursor):
    fixed = {"bucket": "b", "etag": "e", "status": "processed"}
    listed = [{"ingest_id": key, "key": key, **fixed} for key in keys]
    return 200, {"ingests": listed, "next_cursor": cursor}


def test_a_list_that_is_longer_than_an_answer_is_returned_as_one(client, server):
    server.answers = [segments(["a", "b"], "c1"), segments(["c"], "c2"), segments(["d"], None)]
    answer = client.segments()
    assert [each.name for each in answer.segments] == ["a", "b", "c", "d"]
    assert answer.next_cursor is None
    assert [path for _, path, _, _ in server.requests] == [
        "/segments?by=category",
        "/segments?by=category&cursor=c1",
        "/segments?by=category&cursor=c2",
    ]


def test_a_list_with_a_limit_ends_there_and_says_where_the_next_one_begins(client, server):
    server.answers = [ingests(["a", "b"], "c1"), ingests(["c"], "c2")]
    answer = client.ingests(limit=3, key="k")
    assert [each.key for each in answer.ingests] == ["a", "b", "c"]
    assert answer.next_cursor == "c2"
    assert server.requests[1][1] == "/collect?limit=1&key=k&cursor=c1"


def test_a_list_in_the_answer_of_a_post_is_requested_with_the_same_body(client, server):
    fixed = {"model_version": "m", "index_version": "i"}
    server.answers = [
        (200, {"results": [], "next_cursor": "c1", **fixed}),
        (200, {"results": [], "next_cursor": None, **fixed}),
    ]
    assert client.search("hinge", top_k=3).results == []
    bodies = [json.loads(body) for *_, body in server.requests]
    assert (
        bodies[1]
        == {**bodies[0], "cursor": "c1"}
        == {
            "query_text": "hinge",
            "top_k": 3,
            "cursor": "c1",
        }
    )


def test_a_list_that_follows_itself_ends(client, server):
    server.answers = [segments(["a"], "c1")]
    with pytest.raises(InvalidAnswerError, match="follows itself"):
        client.segments()
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "link", ["http://evil.example/reviews?x=1", "//evil.example/reviews", "/collect?x=1", "reviews"]
)
def test_links_of_figures_lead_to_reviews_of_this_api_only(client, server, link):
    with pytest.raises(InvalidAnswerError, match="not a link"):
        client.linked_reviews(link)
    assert server.requests == []


def test_a_link_of_a_figure_is_followed_with_its_filters(client, server):
    server.answers = [review_page([1], None)]
    (review,) = client.linked_reviews("/reviews?product_id=A%26B&from=2026-03-16", limit=3)
    assert review.text == "It broke."
    path = "/reviews?product_id=A%26B&from=2026-03-16&limit=3"
    assert server.requests[0][1] == path
