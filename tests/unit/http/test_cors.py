"""Scripts of pages whose origins are listed may read answers; all others may not."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from shared.http.cors import Cors
from shared.http.guard import Guard
from shared.http.login import Login
from shared.schemas.cors import parse_origins

SHOP = "https://shop.example.org"
TOKEN = "a token of these tests"
ASKS = {"origin": SHOP, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}


async def application(scope, receive, send):
    headers = {"Access-Control-Allow-Origin": "https://other.example", "Vary": "Accept"}
    await PlainTextResponse("content", headers=headers)(scope, receive, send)


def gateway(**options):
    """The gateway of one machine; pages of the shop may read."""
    guard = Guard(application, origins=(SHOP,), **options)
    return TestClient(guard, base_url="http://localhost:8080")


def function():
    """A function behind API Gateway, which answers preflights itself."""
    return TestClient(Cors(application, origins=(SHOP,)), base_url="https://api.example.org")


def preflight(client, method, path="/products", headers="x-api-key", **other):
    return client.options(
        path,
        headers={
            **ASKS,
            "access-control-request-method": method,
            "access-control-request-headers": headers,
            **other,
        },
    )


@pytest.mark.parametrize("client", [gateway(), function()], ids=["gateway", "function"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/products"), ("POST", "/search_similar"), ("POST", "/analyze")]
)
def test_a_listed_page_may_read_the_answer(client, method, path):
    answer = client.request(method, path, headers=ASKS)
    assert (answer.status_code, answer.text) == (200, "content")
    assert answer.headers.get_list("access-control-allow-origin") == [SHOP]
    assert answer.headers["access-control-expose-headers"] == "retry-after, link, x-correlation-id"
    assert {part.strip() for part in answer.headers["vary"].split(",")} == {"Accept", "Origin"}
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{SHOP}.evil.example", "http://shop.example.org"]
)
def test_another_page_may_not(origin):
    answer = gateway().get("/products", headers={**ASKS, "origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert "access-control-allow-origin" not in answer.headers
    sent = function().get("/products", headers={**ASKS, "origin": origin})
    assert sent.headers["access-control-allow-origin"] == "https://other.example"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/collect"), ("DELETE", "/products/B1"), ("POST", "/train"), ("PUT", "/products")],
)
def test_a_listed_page_may_not_start_work(method, path):
    assert gateway().request(method, path, headers=ASKS).status_code == 403
    refused = preflight(gateway(), method, path)
    assert refused.status_code == 403
    assert "access-control-allow-methods" not in refused.headers


def test_a_preflight_is_answered_without_a_login_and_the_request_is_not():
    guarded = gateway(login=Login(TOKEN))
    answer = preflight(guarded, "POST", "/search_similar", "content-type, x-api-key")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "content-type, x-api-key"
    assert answer.headers["access-control-max-age"] == "600"
    assert answer.headers["vary"] == "Origin"
    refused = guarded.get("/products", headers=ASKS)
    assert (refused.status_code, refused.json()["code"]) == (401, "login_required")
    assert refused.headers["access-control-allow-origin"] == SHOP  # the page sees why
    allowed = guarded.get("/products", headers={**ASKS, "x-api-key": TOKEN})
    assert allowed.text == "content"


def test_a_preflight_for_another_host_is_refused():
    assert preflight(gateway(), "GET", host="evil.example").status_code == 421


def test_two_origins_are_none():
    headers = [("origin", SHOP), ("origin", SHOP), ("host", "localhost:8080")]
    assert gateway().get("/products", headers=headers).status_code == 403


def test_origins_are_read_as_browsers_send_them():
    text = f" {SHOP} ,http://localhost:3000,https://a.example:8443, http://[::1]:5173,"
    assert parse_origins(text) == (
        *(SHOP, "http://localhost:3000"),
        *("https://a.example:8443", "http://[::1]:5173"),
    )
    assert parse_origins("") == ()


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "https://*.example.org", "null", "shop.example.org", "https://"),
        *(f"{SHOP}/", f"{SHOP}/page", f"{SHOP}:443", f"{SHOP}:0", "https://Shop.example.org"),
        *("http://shop.example.org", "http://localhost:80", "https://a b"),
        *("https://a.example'", "https://user@a.example", "https://-a.example", "file://"),
    ],
)
def test_what_is_no_origin_is_named(origin):
    with pytest.raises(ValueError, match="cors_origins: ") as caught:
        parse_origins(f"https://first.example,{origin}")
    assert repr(origin) in str(caught.value)
