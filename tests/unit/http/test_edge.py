"""Responses of every service to request bodies and failures."""

import asyncio
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from shared.errors import ConflictError, InvalidInputError, UnavailableError
from shared.http.app import create_service
from shared.schemas.health import Check, Health, worst_status

JSON = {"content-type": "application/json"}


class Order(BaseModel):
    name: str = Field(max_length=20)
    amounts: list[int] = []


def make_app(health=lambda: Health(service="shop", version="1")):
    app = create_service("shop", title="Shop", health=health, max_body_bytes=2_000)

    @app.post("/orders")
    def create_order(order: Order) -> Order:
        match order.name:
            case "conflict":
                raise ConflictError("another order was first")
            case "down":
                raise UnavailableError("the store is closed")
            case "odd":
                raise InvalidInputError("no such name", details={"field": "name"})
            case "bug":
                raise ZeroDivisionError("secret detail")
        return order

    return app


@pytest.fixture(scope="module")
def client():
    return TestClient(make_app())


def problem_of(response):
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert {"type", "title", "status", "detail", "code"} <= body.keys()
    return body


def test_a_valid_request_is_answered(client):
    response = client.post("/orders", json={"name": "tea"})
    assert (response.status_code, response.json()) == (200, {"name": "tea", "amounts": []})


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("conflict", 409, "conflict"), ("down", 503, "unavailable"), ("odd", 422, "invalid_input")],
)
def test_an_application_error_has_its_status_and_code(client, name, status, code):
    body = problem_of(client.post("/orders", json={"name": name}))
    assert (body["status"], body["code"]) == (status, code)


def test_an_error_about_a_field_lists_the_field(client):
    body = problem_of(client.post("/orders", json={"name": "odd"}))
    assert body["errors"] == [{"field": "name", "message": "no such name"}]


def test_unavailable_has_retry_after(client):
    assert client.post("/orders", json={"name": "down"}).headers["retry-after"] == "5"


def test_a_bug_is_logged_and_the_response_contains_only_a_reference(client, caplog):
    body = problem_of(client.post("/orders", json={"name": "bug"}))
    assert (body["status"], body["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(body)
    assert body["instance"] in caplog.text
    assert "secret detail" in caplog.text


def test_validation_lists_every_invalid_field(client):
    body = problem_of(client.post("/orders", json={"name": "x" * 21, "amounts": [1, "many"]}))
    assert body["status"] == 422
    assert [entry["field"] for entry in body["errors"]] == ["name", "amounts.1"]
    assert "xxx" not in json.dumps(body)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": ', 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"name": NaN}', 400),
        (b'{"amounts": [1e999], "name": "x"}', 400),
        (b'{"amounts": [' + b"9" * 400 + b'], "name": "x"}', 400),
        (b"[" * 1990, 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b'{"name": null}', 422),
        (b'{"amounts": [' + b"9" * 300 + b'], "name": "x"}', 200),
    ],
)
def test_invalid_bodies_are_refused(client, body, status):
    response = client.post("/orders", content=body, headers=JSON)
    assert response.status_code == status, response.text
    if status != 200:
        problem_of(response)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_another_content_type_is_415(client, content_type):
    response = client.post(
        "/orders", content=b'{"name":"x"}', headers={"content-type": content_type}
    )
    assert problem_of(response)["code"] == "unsupported_media_type"
    assert response.status_code == 415


def test_no_content_type_is_415(client):
    assert client.post("/orders", content=b'{"name":"x"}').status_code == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.a+json"],
)
def test_other_json_content_types_are_accepted(client, content_type):
    response = client.post(
        "/orders", content=b'{"name":"x"}', headers={"content-type": content_type}
    )
    assert response.status_code == 200


def test_a_body_at_the_limit_passes_and_one_above_does_not(client):
    padding = 2_000 - len(b'{"name":"x"}')
    assert client.post("/orders", content=b'{"name":"x"}' + b" " * padding, headers=JSON).is_success
    response = client.post("/orders", content=b'{"name":"x"}' + b" " * (padding + 1), headers=JSON)
    assert problem_of(response)["code"] == "too_large"
    assert response.status_code == 413


def test_a_chunked_body_without_a_length_is_refused_above_the_limit(client):
    def endless():
        for _ in range(1_000):
            yield b" " * 500

    response = client.post("/orders", content=endless(), headers=JSON)
    assert problem_of(response)["status"] == 413


def test_a_wrong_content_length_does_not_bypass_the_limit():
    sent = []
    messages = iter(
        {"type": "http.request", "body": b" " * 1_500, "more_body": True} for _ in range(9)
    )

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", b"10"), (b"content-type", b"application/json")]
    asyncio.run(make_app()(_scope(headers), receive, send))
    assert sent[0]["status"] == 413
    assert len(list(messages)) == 7, "reading stops at the limit"


def test_a_client_that_disconnects_while_sending_is_not_an_error(caplog):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    asyncio.run(make_app()(_scope([]), receive, send))
    assert sent == []
    assert caplog.text == ""


def _scope(headers):
    return {
        "type": "http",
        "method": "POST",
        "path": "/orders",
        "raw_path": b"/orders",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "http_version": "1.1",
        "scheme": "http",
        "server": ("x", 80),
        "client": ("y", 1),
    }


def test_unknown_routes_and_methods_are_problems(client):
    assert problem_of(client.get("/nowhere"))["code"] == "route_not_found"
    response = client.get("/orders")
    assert problem_of(response)["code"] == "method_not_allowed"
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("statuses", "status", "code"),
    [
        ((), "ok", 200),
        (("ok", "degraded"), "degraded", 200),
        (("unavailable",), "unavailable", 503),
    ],
)
def test_health_reports_the_worst_check(statuses, status, code):
    checks = {f"c{i}": Check(status=state) for i, state in enumerate(statuses)}
    health = Health(status=worst_status(checks), service="shop", version="1", checks=checks)
    response = TestClient(make_app(lambda: health)).get("/health")
    assert (response.status_code, response.json()["status"]) == (code, status)


def test_health_is_also_available_under_the_name_of_the_service():
    client = TestClient(make_app())
    assert client.get("/health/shop").json() == client.get("/health").json()
    assert client.get("/health/mill").status_code == 404
    assert "/health/shop" not in client.get("/openapi.json").json()["paths"]


def test_a_failing_health_check_is_reported_as_unavailable():
    def broken():
        raise OSError("no disk")

    response = TestClient(make_app(broken)).get("/health")
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")
    assert response.json()["service"] == "shop"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(alphabet=string.printable),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=json_values, key=st.sampled_from(["name", "amounts", "more"]))
def test_no_json_value_causes_a_500(value, key):
    body = json.dumps({"name": "x", key: value}).encode()
    client = TestClient(make_app(), raise_server_exceptions=True)
    response = client.post("/orders", content=body, headers=JSON)
    assert response.status_code in {200, 400, 413, 422}


@given(body=st.binary(max_size=300))
def test_no_bytes_cause_a_500(body):
    response = TestClient(make_app()).post("/orders", content=body, headers=JSON)
    assert 200 <= response.status_code < 500
