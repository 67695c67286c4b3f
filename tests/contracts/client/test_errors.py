"""Errors that both clients raise."""

import pytest

import reviewlens
from reviewlens import (
    ApiTimeoutError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    InvalidAnswerError,
    MissingRouteError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RequestRejectedError,
    Retry,
    ServerError,
)
from tests.clients import KINDS, client_of
from tests.contracts.client.responses import problem

BOTH = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (problem(404, "route_not_found", "No route"), MissingRouteError, "No route"),
        ((404, b"<html>"), MissingRouteError, "HTTP 404"),
        (problem(405, "method_not_allowed", "No"), MissingRouteError, "405"),
        (problem(404, "not_found", "there is no such product"), NotFoundError, "no such product"),
        (problem(401, "unauthorized", "Who?"), AuthenticationError, "401"),
        (problem(403, "forbidden", "Forbidden"), PermissionDeniedError, "Forbidden"),
        (problem(409, "conflict", "changed"), ConflictError, "changed"),
        (problem(422, "invalid_input", "from: not a day"), RequestRejectedError, "from: not a day"),
        ((400, b"<html>"), RequestRejectedError, "HTTP 400"),
        ((413, {}), RequestRejectedError, "HTTP 413"),
        ((302, {}), RequestRejectedError, "HTTP 302"),
        ((500, {"detail": "Traceback: secret"}), ServerError, "HTTP 500"),
        (problem(503, "unavailable", "the database is down"), ServerError, "database is down"),
        (problem(429, "throttled", "slowly"), RateLimitedError, "slowly"),
    ],
)
def test_an_error_has_the_class_of_its_status(client, server, answer, kind, text):
    server.answers = [answer]
    with pytest.raises(kind, match=text) as caught:
        client.trends()
    assert caught.value.status == answer[0]
    assert str(caught.value).startswith("GET /trends: ")
    assert "secret" not in str(caught.value)


def test_an_error_names_the_invalid_fields(client, server):
    status, body = problem(422, "invalid_input", "query_text: must not be blank")
    server.answers = [(status, body | {"errors": [{"field": "query_text", "message": "blank"}]})]
    with pytest.raises(RequestRejectedError) as caught:
        client.analyze(" ")
    assert caught.value.code == "invalid_input"
    assert [(each.field, each.message) for each in caught.value.errors] == [("query_text", "blank")]


@pytest.mark.parametrize(
    ("body", "place"),
    [(b"no json", "not JSON"), (b"[]", "not JSON"), (b'{"points": 7}', r"\(freshness\)")],
)
def test_an_answer_that_is_not_the_documented_one_is_refused(client, server, body, place):
    server.answers = [(200, body)]
    with pytest.raises(InvalidAnswerError, match=place):
        client.trends()
    assert len(server.requests) == 1


@BOTH
def test_an_answer_that_is_too_long_is_refused(kind, server):
    server.answers = [(200, b"x" * 5000)]
    with (
        client_of(kind, server.url, max_response_bytes=1000) as made,
        pytest.raises(InvalidAnswerError, match="longer than 1,000 bytes"),
    ):
        made.drift()


@BOTH
def test_health_that_is_not_good_is_an_answer(kind, server):
    server.answers = [(503, {"service": "insights", "version": "1", "status": "unavailable"})]
    with client_of(kind, server.url) as made:
        assert made.service_health("insights").status == "unavailable"
        assert made.health().status == "unavailable"
    assert len(server.requests) == 2


@BOTH
def test_every_error_is_an_api_error(kind):
    with (
        client_of(kind, "http://127.0.0.1:1") as made,
        pytest.raises(ConnectionFailedError, match=r"GET /health: the connection failed") as caught,
    ):
        made.health()
    assert isinstance(caught.value, reviewlens.ApiError)
    assert not caught.value.was_sent


@BOTH
def test_a_server_that_does_not_answer_in_time_is_given_up(kind):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            client_of(kind, url, timeout=0.05, retry=Retry(attempts=1)) as made,
            pytest.raises(ApiTimeoutError, match="in time") as caught,
        ):
            made.health()
    assert caught.value.was_sent
