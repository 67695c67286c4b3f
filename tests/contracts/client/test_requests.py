"""What both clients send."""

import json

import pytest

from reviewlens import NotFoundError
from tests.clients import KINDS, client_of
from tests.contracts.client.responses import ANALYSIS, problem, review_page

BOTH = pytest.mark.parametrize("kind", KINDS)


def test_the_key_is_sent_and_unknown_fields_are_ignored(client, server):
    server.answers = [(200, ANALYSIS)]
    assert client.analyze("It broke.").sentiment == "negative"
    method, path, headers, body = server.requests[0]
    assert (method, path) == ("POST", "/analyze")
    assert headers["x-api-key"] == "k-123"
    assert json.loads(body) == {"query_text": "It broke.", "top_k": 5}


def test_parameters_that_are_none_are_not_sent(client, server):
    server.answers = [review_page([], None)]
    client.reviews(category="", mismatch=True, limit=5).page()
    assert server.requests[0][1] == "/reviews?category=&mismatch=true&limit=5"


@pytest.mark.parametrize(
    ("product_id", "path"),
    [
        ("../reviews?a=b#c", "/products/..%2Freviews%3Fa%3Db%23c"),
        ("..", "/products/%2E%2E"),
        ("{x} é", "/products/%7Bx%7D%20%C3%A9"),
    ],
)
def test_ids_cannot_change_the_path(client, server, product_id, path):
    server.answers = [problem(404, "not_found", "there is no such product")]
    with pytest.raises(NotFoundError):
        client.product(product_id)
    assert server.requests[0][1] == path


def test_the_path_of_the_base_url_is_kept(server):
    server.answers = [(200, ANALYSIS)]
    with client_of("Client", f"{server.url}/v1/") as made:
        made.analyze("x")
    assert server.requests[0][1] == "/v1/analyze"


@BOTH
def test_proxies_of_the_environment_are_not_used_for_an_api_on_this_machine(
    kind, server, monkeypatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.answers = [(200, ANALYSIS)]
    with client_of(kind, server.url) as made:
        assert made.analyze("x").model_version == "m"
