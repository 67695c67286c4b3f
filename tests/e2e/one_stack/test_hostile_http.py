"""No path, method, host or malformed HTTP causes a 500, and no address in a request is fetched."""

import json
import socket

import httpx
import pytest

from tests.e2e.one_stack.refusals import BODY_REQUIRED, GETS, POSTS, assert_problem
from tests.listening import listening

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/analyse", "/analyze/", "/analyze/batch/x"),
        *("/search_similar/x", "/trends/x/y", "/health/unknown", "/health/x/y"),
        *("/collect/ing_unknown", "/collect/%00", "/collect/ing_unknown/rejects", "/collect/a/b"),
        *("/trends?product_id=unknown", "/duplicates?product_id=%F0%9F%91%8D%25_"),
        *(
            "/products/unknown",
            "/products/unknown/summary",
            "/products/%00",
            "/products/..%2f..%2fetc",
            "/products/%F0%9F",
        ),
        *("/redoc", "/openapi.yaml", "/%2e%2e/%2e%2e/etc/passwd", "/moto-api/reset"),
        *("/reviews/x", "/process/x", "/embeddings/x", "/" + "a" * 8_000, "/%c0%af"),
    ],
)
def test_an_unknown_path_is_not_found(client, path):
    assert_problem(client.get(path), 404)


def test_an_unknown_ingest_cannot_be_processed(client):
    assert_problem(client.post("/process", json={"ingest_id": "ing_unknown"}), 404)


@pytest.mark.parametrize(
    "path",
    [
        *("ing_unknown", "%00", "ing%00", "%F0%9F", "*", "..%2f..%2fetc", "a/b", "%27%3B--"),
        "ing_unknown/rejects/x",
    ],
)
def test_an_unknown_ingest_cannot_be_undone(client, path):
    assert_problem(client.delete(f"/collect/{path}"), 404)


_DELETES = {("DELETE", "/collect/ing_unknown"), ("DELETE", "/products/RL-AUD-01")}


@pytest.mark.parametrize("path", ["/exclusions/exc_unknown", "/exclusions/%00", "/exclusions/*"])
def test_an_unknown_exclusion_is_not_found(client, path):
    assert_problem(client.get(path), 404)
    assert_problem(client.request("DELETE", path), 404)


@pytest.mark.parametrize("path", ["/reviewers/null", "/reviewers/%20", "/products/n%2Fa"])
def test_an_id_that_no_dump_can_have_is_refused(client, path):
    assert_problem(client.request("DELETE", path), 422)


@pytest.mark.parametrize("path", ["/products", "/reviewers", "/exclusions"])
def test_a_delete_needs_an_id(client, path):
    assert_problem(client.request("DELETE", path), 404, 405)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
        for path in (*POSTS, *GETS, "/health", "/health/inference", "/openapi.json")
        if (method, path) not in _DELETES
    ],
)
def test_an_unsupported_method_is_refused(client, method, path):
    try:
        response = client.request(method, path)
    except httpx.RemoteProtocolError:
        assert method == "BREW"  # the connection is closed on invalid HTTP
        return
    if method == "BREW" and response.status_code == 400:
        return  # the response of the HTTP parser
    assert_problem(response, 405)
    assert response.headers["allow"]


@pytest.mark.parametrize("path", BODY_REQUIRED)
def test_a_get_on_a_post_route_is_refused(client, path):
    assert_problem(client.get(path), 405)


@pytest.mark.parametrize("host", ["example.org", "[", "[::1", "a b", "127.0.0.1.evil", "\xff", ""])
def test_a_request_for_another_host_is_refused(client, host):
    assert_problem(client.get("/products", headers={"host": host.encode("latin-1")}), 400, 421)


@pytest.mark.parametrize("origin", ["https://example.org", "http://[", "null", "\xff", "//"])
def test_a_post_from_another_site_is_refused(client, origin):
    response = client.post(
        "/analyze", json={"query_text": "a"}, headers={"origin": origin.encode("latin-1")}
    )
    assert_problem(response, 403)


UPGRADE = (
    b"GET /products HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /pr\xffoducts HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /products HTTP/1.1\r\n\r\n",
        UPGRADE,
    ],
    ids=range(7),
)
def test_malformed_http_does_not_harm_the_server(stack, client, request_bytes):
    port = stack.running.gateway
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
        raw.sendall(request_bytes.replace(b"localhost", b"localhost:%d" % port))
        raw.shutdown(socket.SHUT_WR)
        received = b""
        while piece := raw.recv(65_536):
            received += piece
    assert b" 500 " not in received.partition(b"\r\n")[0]
    assert client.get("/products?limit=1").status_code == 200


def test_no_address_in_a_request_or_a_dump_is_fetched(client, stack):
    with listening() as (address, requests):
        for path, body in {
            "/analyze": {"query_text": address, "image_url": address, "image_data": address},
            "/analyze/batch": {"texts": [address]},
            "/search_similar": {"query_text": address, "filters": {"product_id": address}},
            "/collect": {"keys": [address]},
            "/process": {"ingest_id": address},
            "/embeddings": {"texts": [address], "pictures": [{"image_url": address}]},
            "/uploads": {"filename": "x.csv", "bytes": 9, "mapping": {"text": address}},
            "/train": {"data": address, "base_model": address},
        }.items():
            client.post(path, json=body)
        for path in ("/reviews", "/collect", "/products", "/trends", "/aspects"):
            client.get(path, params={"product_id": address, "key": address, "source": address})
        row = {"text": f"It broke, see {address}", "rating": 1, "image": [address], "url": address}
        line = json.dumps(row | {"product_id": address}).encode()
        stack.put("addresses.jsonl.mapping.json", json.dumps({"image_url": address}).encode())
        stack.wait_for(stack.put("addresses.jsonl", line), "processed", "failed")
    assert requests == []


def test_the_service_still_works_afterwards(client):
    assert client.get("/health").json()["status"] == "ok"
    analysis = client.post("/analyze", json={"query_text": "I love this kettle."}).json()
    assert analysis["sentiment"] == "positive"
