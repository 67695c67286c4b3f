"""What Client and AsyncClient both promise, over a loopback server with scripted answers."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

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
    StatusError,
    UploadError,
)
from tests.clients import KINDS, client_of, scripted_server

ANALYSIS = {
    "sentiment": "negative",
    "confidence": 0.9,
    "summary": "",
    "similar_reviews": [],
    "probabilities": {"negative": 0.9, "neutral": 0.1, "positive": 0.0},
    "model_version": "m",
    "index_version": None,
    "a_field_of_a_later_version": [1],
}
FRESH = {"as_of": "2026-11-29T08:00:00Z", "pending_reviews": 0}
BOTH = pytest.mark.parametrize("kind", KINDS)


def problem(status, code, detail):
    return status, {"title": "x", "status": status, "code": code, "detail": detail}


def review(number):
    return {
        "review_id": f"r{number}",
        "product_id": "A",
        "source": "s",
        "rating": None,
        "title": None,
        "text": "It broke.",
        "reviewed_at": None,
        "verified": None,
        "helpful_votes": None,
        "sentiment": "negative",
        "confidence": 0.9,
        "model_version": "m",
        "mismatch": None,
    }


def review_page(numbers, cursor):
    return 200, {"reviews": [review(n) for n in numbers], "next_cursor": cursor, "freshness": FRESH}


@pytest.fixture
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture(params=KINDS)
def client(request, server):
    with client_of(request.param, server.url, api_key="k-123") as made:
        yield made


# requests


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


# errors


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


# retries


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_reads_are_repeated_where_that_can_help(client, server, status):
    server.answers = [(status, {}), (status, {}), (200, ANALYSIS)]
    assert client.analyze("x").model_version == "m"
    assert len(server.requests) == 3


def test_a_connection_that_breaks_off_is_opened_again(client, server):
    server.answers = [None, (200, ANALYSIS)]
    assert client.analyze("x").model_version == "m"
    assert len(server.requests) == 2


def test_attempts_are_bounded(client, server):
    server.answers = [(503, {})]
    with pytest.raises(ServerError):
        client.analyze("x")
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 501])
def test_what_cannot_help_is_not_repeated(client, server, status):
    server.answers = [(status, {})]
    with pytest.raises(StatusError):
        client.analyze("x")
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [(503, {}), (502, {}), None])
def test_what_starts_work_is_sent_once(client, server, answer):
    server.answers = [answer]
    with pytest.raises(reviewlens.ApiError):
        client.train(epochs=1)
    assert len(server.requests) == 1


def test_a_training_with_an_idempotency_key_is_repeated(client, server):
    when = "2026-11-29T08:00:00Z"
    accepted = {"training_id": "t", "status": "started", "estimated_completion_time": when}
    server.answers = [None, (202, accepted)]
    assert client.train(epochs=1, idempotency_key="k").training_id == "t"
    assert [headers["idempotency-key"] for _, _, headers, _ in server.requests] == ["k", "k"]


def test_work_that_was_turned_away_is_repeated(client, server):
    server.answers = [(429, {}), (202, {"message": "queued"})]
    assert client.build_index().message == "queued"


def test_the_client_waits_as_long_as_the_api_asks(client, server):
    moment = datetime.now(UTC) + timedelta(seconds=1.9)
    for header in ("1", format_datetime(moment, usegmt=True)):
        server.answers = [(503, {}, {"retry-after": header}), (200, ANALYSIS)]
        started = time.monotonic()
        client.analyze("x")
        waited = time.monotonic() - started
        assert waited < 3
        if header == "1":
            assert waited >= 1


def test_a_pause_that_is_too_long_is_not_waited_for(client, server):
    server.answers = [(429, {}, {"retry-after": "3600"})]
    with pytest.raises(RateLimitedError) as caught:
        client.analyze("x")
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


# pages


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


# uploads


def target(url, **fields):
    return {
        "method": "POST",
        "url": url,
        "fields": {"key": "uploads/web/1/a.csv", "policy": "p", "x-amz-signature": "s"},
        "key": "uploads/web/1/a.csv",
        "expires_at": "2026-11-29T08:00:00Z",
        "max_bytes": 100,
        **fields,
    }


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,rating\r\nIt broke.\x00\xff,1\r\n")
    return path


def test_a_dump_goes_to_the_bucket_without_the_api_key(client, server, dump):
    server.answers = [(200, target(f"{server.url}/bucket")), (204, b"")]
    sent = []
    key = client.upload(dump, filename='a".csv', mapping={"text": "Opinion"}, progress=sent.append)
    assert key == "uploads/web/1/a.csv"
    (_, _, _, question), (method, path, headers, body) = server.requests
    assert json.loads(question) == {
        "filename": 'a".csv',
        "bytes": 28,
        "mapping": {"text": "Opinion"},
    }
    assert (method, path) == ("POST", "/bucket")
    assert "x-api-key" not in headers
    assert headers["content-length"] == str(len(body))
    boundary = headers["content-type"].partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)[1:-1]
    assert [part.partition(b'name="')[2].partition(b'"')[0] for part in parts] == [
        *(b"key", b"policy", b"x-amz-signature", b"file")
    ]
    assert parts[-1].partition(b"\r\n\r\n")[2] == dump.read_bytes() + b"\r\n"
    assert sent[-1] == 28


def test_an_upload_is_sent_in_chunks(client, server, tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"x" * 1_000_000)
    answer = target(f"{server.url}/bucket", max_bytes=1_000_000)
    server.answers = [(200, answer), (204, b"")]
    sent = []
    client.upload(path, progress=sent.append)
    assert sent == [262_144, 524_288, 786_432, 1_000_000]
    assert len(server.requests[1][3]) > 1_000_000


@pytest.mark.parametrize("fields", [{"key": "another"}, {"max_bytes": 5}])
def test_a_target_that_does_not_fit_is_refused(client, server, dump, fields):
    server.answers = [(200, target(f"{server.url}/bucket", **fields))]
    with pytest.raises(UploadError):
        client.upload(dump)
    assert len(server.requests) == 1


def test_a_bucket_that_redirects_is_not_followed(client, server, dump):
    moved = (307, b"", {"location": "{url}/elsewhere"})
    server.answers = [(200, target(f"{server.url}/bucket")), moved]
    with pytest.raises(UploadError, match="HTTP 307"):
        client.upload(dump)
    assert [path for _, path, _, _ in server.requests] == ["/uploads", "/bucket"]


def test_an_upload_is_requested_once(client, server, dump):
    server.answers = [(503, {})]
    with pytest.raises(ServerError):
        client.upload(dump)
    assert len(server.requests) == 1


def test_an_upload_that_breaks_off_is_an_error(client, server, dump):
    server.answers = [(200, target(f"{server.url}/bucket")), None]
    with pytest.raises(ConnectionFailedError, match="upload"):
        client.upload(dump)


def test_a_file_that_cannot_be_sent_is_refused_before_any_request(client, server, tmp_path):
    (tmp_path / "e").write_bytes(b"")
    with pytest.raises(UploadError, match="empty"):
        client.upload(tmp_path / "e")
    with pytest.raises(UploadError, match="cannot be read"):
        client.upload(tmp_path / "missing")
    assert server.requests == []
