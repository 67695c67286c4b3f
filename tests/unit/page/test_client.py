"""The client of the API: keys, faults as sentences, retries, and where bytes may go."""

import json

import httpx
import pytest

from frontend_space.client import Client
from frontend_space.problems import (
    ApiError,
    MissingRouteError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from frontend_space.signing import SigV4, region_of, signer_for

ANALYSIS = {
    "sentiment": "negative",
    "confidence": 0.9,
    "probabilities": {"negative": 0.9, "neutral": 0.1, "positive": 0.0},
    "model_version": "m",
    "of_tomorrow": [1],
}


def problem(status, code, detail):
    return status, {"title": "x", "status": status, "code": code, "detail": detail}


def test_the_key_goes_along_and_new_fields_are_no_fault(client, server):
    server.says = [(200, ANALYSIS)]
    assert client.analyze("It broke.").sentiment == "negative"
    method, path, headers, body = server.asked[0]
    assert (method, path) == ("POST", "/analyze")
    assert headers["x-api-key"] == "k-123"
    assert json.loads(body) == {"query_text": "It broke.", "top_k": 5}


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        (problem(404, "route_not_found", "No route"), MissingRouteError, "not available on this"),
        (problem(404, "not_found", "there is no such product"), NotFoundError, "There is no such"),
        (problem(403, "forbidden", "Forbidden"), MissingRouteError, "not available on this server"),
        (problem(422, "invalid_input", "from: is no day"), RefusedError, "From: is no day."),
        ((400, b"<html>"), RefusedError, "HTTP 400"),
        ((401, {}), RefusedError, "key"),
        ((413, {}), RefusedError, "too long"),
        ((302, {}), RefusedError, "HTTP 302"),
        ((200, b"no json"), UnreachableError, "cannot be understood"),
        ((200, {"points": 7}), UnreachableError, "cannot be understood"),
        ((500, {"detail": "Traceback: secret"}), UnreachableError, "try again"),
        (problem(503, "unavailable", "the database is down"), UnreachableError, "database is down"),
    ],
)
def test_what_goes_wrong_is_one_sentence(client, server, said, kind, told):
    server.says = [said]
    with pytest.raises(kind, match=told) as caught:
        client.trends()
    assert "secret" not in str(caught.value)
    assert str(caught.value).endswith((".", ")"))


def test_reads_are_tried_again_where_that_can_help(client, server):
    server.says = [(503, {}), (503, {}), (200, ANALYSIS)]
    assert client.analyze("x").model_version == "m"
    assert len(server.asked) == 3
    server.asked.clear()
    server.says = [(422, {})]
    with pytest.raises(RefusedError):
        client.analyze("x")
    assert len(server.asked) == 1


def test_an_upload_is_asked_for_once(client, server, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n")
    server.says = [(503, {})]
    with pytest.raises(UnreachableError):
        client.upload(path, "a.csv")
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr("frontend_space.client._PAUSE_SECONDS", 0.0)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        Client("http://127.0.0.1:1").health()


def test_an_answer_without_end_is_given_up(client, server, monkeypatch):
    monkeypatch.setattr("frontend_space.client._MAX_ANSWER_BYTES", 1000)
    server.says = [(200, b"x" * 5000)]
    with pytest.raises(UnreachableError, match="too long"):
        client.products()


def test_what_was_not_chosen_is_not_asked_for(client, server):
    server.says = [(200, {"products": []})]
    client.products(search="", category=None, limit=5, cursor=None)
    assert server.asked[0][1] == "/products?limit=5"


def test_ids_are_no_paths(client, server):
    server.says = [(200, {"product_id": "x"})]
    client.product("../reviews?a=b#c")
    assert server.asked[0][1] == "/products/..%2Freviews%3Fa%3Db%23c"


@pytest.mark.parametrize(
    "link", ["http://evil.example/reviews?x=1", "//evil.example/reviews", "/collect?x=1", "reviews"]
)
def test_links_of_figures_lead_to_reviews_of_this_api_alone(client, server, link):
    with pytest.raises(RefusedError, match="not followed"):
        client.follow(link)
    assert server.asked == []


def test_a_link_of_a_figure_is_followed_with_its_filters(client, server):
    review = {"review_id": "r", "text": "It broke.", "sentiment": "negative"}
    server.says = [(200, {"reviews": [review], "next_cursor": None})]
    (found,) = client.follow("/reviews?product_id=A%26B&from=2026-03-16", limit=3).reviews
    assert found.text == "It broke."
    query = dict(httpx.URL(server.url + server.asked[0][1]).params)
    assert query == {"product_id": "A&B", "from": "2026-03-16", "limit": "3"}


# uploads


def target(url, **more):
    return {
        "method": "POST",
        "url": url,
        "fields": {"key": "uploads/web/1/a.csv", "policy": "p", "x-amz-signature": "s"},
        "key": "uploads/web/1/a.csv",
        "expires_at": "2026-11-29T08:00:00Z",
        "max_bytes": 100,
        **more,
    }


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,rating\r\nIt broke.\x00\xff,1\r\n")
    return path


def test_a_dump_goes_to_the_bucket_without_the_key_of_the_api(client, server, dump):
    server.says = [(200, target(f"{server.url}/bucket")), (204, b"")]
    sent = []
    key = client.upload(dump, 'a".csv', {"text": "Opinion"}, sent.append)
    assert key == "uploads/web/1/a.csv"
    (_, _, _, asked), (method, path, headers, body) = server.asked
    assert json.loads(asked) == {
        "filename": 'a".csv',
        "bytes": 28,
        "mapping": {"text": "Opinion"},
    }
    assert (method, path) == ("POST", "/bucket")
    assert "x-api-key" not in headers
    assert headers["Content-Length"] == str(len(body))
    boundary = headers["Content-Type"].partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)[1:-1]
    assert [part.partition(b'name="')[2].partition(b'"')[0] for part in parts] == [
        *(b"key", b"policy", b"x-amz-signature", b"file")
    ]
    assert parts[-1].partition(b"\r\n\r\n")[2] == dump.read_bytes() + b"\r\n"
    assert sent[-1] == 28


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("http://127.0.0.1:9", "https://bucket.s3.eu-west-1.amazonaws.com/"),
        ("http://127.0.0.1:9", "http://10.0.0.1/bucket"),
        ("https://api.example", "http://127.0.0.1:9/bucket"),
        ("https://api.example", "http://bucket.s3.eu-west-1.amazonaws.com/"),
        ("https://api.example", "https://evil.example/s3.eu-west-1.amazonaws.com"),
        ("https://api.example", "https://s3.amazonaws.com.evil.example/"),
        ("https://api.example", "https://u:p@bucket.s3.eu-west-1.amazonaws.com/"),
        ("https://api.example", "https://x.execute-api.eu-west-1.amazonaws.com/"),
        ("https://api.example", "file:///etc/passwd"),
    ],
)
def test_bytes_go_to_no_other_place_than_the_bucket_of_the_api(api, url, dump, monkeypatch):
    asked = Client(api)
    monkeypatch.setattr(asked, "_send", lambda *_a, **_n: json.dumps(target(url)).encode())
    monkeypatch.setattr(asked, "_put", lambda *_a: pytest.fail("it was sent"))
    with pytest.raises(RefusedError, match="not its own bucket"):
        asked.upload(dump, "a.csv")


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/",
        "https://my.bucket.s3.eu-west-1.amazonaws.com/",
        "https://s3.eu-west-1.amazonaws.com/bucket",
        "https://bucket.s3.cn-north-1.amazonaws.com.cn/",
    ],
)
def test_buckets_of_s3_are_taken_from_an_api_on_aws(url, dump, monkeypatch):
    asked, sent = Client("https://api.example"), []
    monkeypatch.setattr(asked, "_send", lambda *_a, **_n: json.dumps(target(url)).encode())
    monkeypatch.setattr(asked, "_put", lambda to, _form: sent.append(to))
    asked.upload(dump, "a.csv")
    assert sent == [url]


@pytest.mark.parametrize("more", [{"key": "another"}, {"max_bytes": 5}])
def test_a_target_that_fits_nothing_is_refused(client, server, dump, more):
    server.says = [(200, target(f"{server.url}/bucket", **more))]
    with pytest.raises(RefusedError):
        client.upload(dump, "a.csv")
    assert len(server.asked) == 1


def test_a_bucket_that_sends_elsewhere_is_not_followed(client, server, dump):
    server.says = [(200, target(f"{server.url}/bucket")), (307, b"")]
    with pytest.raises(RefusedError, match="HTTP 307"):
        client.upload(dump, "a.csv")
    assert [path for _, path, _, _ in server.asked] == ["/uploads", "/bucket"]


def test_an_empty_file_is_told_before_anybody_is_asked(client, server, tmp_path):
    (tmp_path / "e").write_bytes(b"")
    with pytest.raises(RefusedError, match="empty"):
        client.upload(tmp_path / "e", "e")
    assert server.asked == []


# signatures


@pytest.fixture
def credentials():
    from botocore.credentials import Credentials

    return Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token")


def test_work_is_signed_as_aws_computes_it(server, credentials, dump):
    """The signature is computed anew from what arrived, as API Gateway does."""
    import hashlib
    import hmac

    server.says = [(422, {})]
    signing = Client(server.url, signer=SigV4(credentials, "eu-west-1"))
    with pytest.raises(ApiError):
        signing.upload(dump, "a.csv")
    _, path, headers, body = server.asked[0]
    headers = {name.lower(): value for name, value in headers.items()}
    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    assert scheme == "AWS4-HMAC-SHA256"
    assert headers["x-amz-security-token"] == "token"
    day = headers["x-amz-date"][:8]
    scope = f"{day}/eu-west-1/execute-api/aws4_request"
    assert parts["Credential"] == f"AKIDEXAMPLE/{scope}"
    names = parts["SignedHeaders"].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    lines = [f"{n}:{headers[n].strip()}" for n in names]
    hashed = hashlib.sha256(body).hexdigest()
    canonical = "\n".join(["POST", path, "", *lines, "", ";".join(names), hashed])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = b"AWS4" + credentials.secret_key.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert parts["Signature"] == hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()


def test_reads_are_not_signed(server, credentials):
    server.says = [(200, ANALYSIS)]
    Client(server.url, signer=SigV4(credentials, "eu-west-1")).analyze("x")
    assert "authorization" not in {name.lower() for name in server.asked[0][2]}


def test_the_region_is_told_by_the_address():
    assert region_of("https://a1b2.execute-api.eu-west-1.amazonaws.com/v1") == "eu-west-1"
    assert region_of("https://api.example/v1") is None
    assert region_of("https://execute-api.eu-west-1.amazonaws.com.evil.example") is None


def test_nothing_is_signed_for_an_api_that_is_not_on_aws(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    assert signer_for("http://127.0.0.1:8080", None) is None
    assert signer_for("http://a.execute-api.eu-west-1.amazonaws.com", None) is None
    assert signer_for("https://api.example", None) is None
    assert isinstance(signer_for("https://api.example", "eu-west-1"), SigV4)
    assert isinstance(signer_for("https://a.execute-api.eu-west-1.amazonaws.com/v1", None), SigV4)


def test_without_credentials_nothing_is_signed(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert signer_for("https://a.execute-api.eu-west-1.amazonaws.com/v1", None) is None
