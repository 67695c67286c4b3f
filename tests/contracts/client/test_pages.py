"""How both clients read lists page by page."""

import pytest

from reviewlens import InvalidAnswerError
from tests.contracts.client.responses import review_page


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
