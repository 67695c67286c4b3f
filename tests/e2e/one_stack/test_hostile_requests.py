"""No request causes a 500: every invalid request gets a 4xx problem that explains the error."""

import base64
import json

import pytest

from tests.e2e.one_stack.refusals import BODY_REQUIRED, POSTS, assert_problem

pytestmark = pytest.mark.slow
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        b'{"query_text": ',
        b"not json",
        b"{'single': 1}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"query_text": "\xff\xfe"}',
        b'{"query_text": "\\ud800"}',
        b'{"query_text": "a\x00b"}',
        b"[" * 50_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"\x00" * 100,
        b"\x1f\x8b\x08\x00",
    ],
    ids=range(12),
)
def test_a_body_that_is_not_json_is_refused(client, path, body):
    assert_problem(client.post(path, content=body, headers=JSON), 400)


@pytest.mark.parametrize("path", BODY_REQUIRED)
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'"text"', b"17", b"true", b'[{"query_text": "a"}]'],
)
def test_json_that_is_not_a_request_is_refused(client, path, body):
    assert_problem(client.post(path, content=body, headers=JSON), 422)


@pytest.mark.parametrize("path", POSTS)
def test_a_body_that_is_too_large_is_refused(client, path):
    body = json.dumps({"query_text": "x" * 5_000_000}).encode()
    assert_problem(client.post(path, content=body, headers=JSON), 413)
    pieces = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    assert_problem(client.post(path, content=pieces, headers=JSON), 413)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "a/b/c", ""]
)
def test_a_body_of_another_media_type_is_refused(client, path, kind):
    response = client.post(path, content=b'{"query_text": "a"}', headers={"content-type": kind})
    assert_problem(response, 415)


WRONG = [
    *(
        ("/analyze", {"query_text": invalid})
        for invalid in (None, 5, [], {}, "", "  \n", "x" * 10_001)
    ),
    *(
        ("/analyze", {"query_text": "a", "top_k": invalid})
        for invalid in (-1, 101, 1.5, "many", None, 10**30)
    ),
    *(("/analyze", {"query_text": "a", "image_data": invalid}) for invalid in (7, [], {}, True)),
    ("/analyze", {"top_k": 3}),
    ("/analyze", {"query_text": "a", "picture_preview": "yes"}),
    ("/search_similar", {"query_text": "a", "picture_preview": 1}),
    ("/analyze", {"query_text": "", "image_data": "AAAA"}),
    *(
        ("/analyze", {"query_text": "a", "image_url": invalid})
        for invalid in (
            "file:///etc/passwd",
            "ftp://a",
            "http://",
            "http://[",
            "x" * 5_000,
            7,
            "\0",
        )
    ),
    *(
        ("/analyze/batch", {"texts": invalid})
        for invalid in ([], ["a"] * 65, [""], "a", [None], {})
    ),
    *(
        ("/analyze/batch", {"texts": ["a"], "pictures": invalid})
        for invalid in ([None, None], "a", None, [{}], [7], [{"image_url": "file:///etc/passwd"}])
    ),
    ("/analyze/batch", {"texts": ["a"] * 9, "pictures": [{"image_data": "AAAA"}] * 9}),
    *(
        ("/review_pictures", {"review_ids": invalid})
        for invalid in ([], ["a"] * 51, [""], ["x" * 513], "a", [None], None)
    ),
    *(("/embeddings", {"texts": invalid}) for invalid in ([], ["a"] * 65, [" "], "a", [1], None)),
    ("/embeddings", {"texts": ["a"], "model": "another"}),
    ("/embeddings", {}),
    *(("/embeddings", {"pictures": invalid}) for invalid in ([], [{}], [None], ["a"], None, "a")),
    ("/embeddings", {"pictures": [{"image_data": "AAAA"}] * 9}),
    ("/embeddings", {"pictures": [{"image_data": "AAAA", "image_url": "https://a.example/"}]}),
    ("/embeddings", {"pictures": [{"image_url": "file:///etc/passwd"}]}),
    *(("/analyze", {"query_text": "a", "rating": invalid}) for invalid in (0, 6, "5", True, [])),
    *(("/search_similar", {"query_text": "a", "top_k": invalid}) for invalid in (0, 101, "x")),
    *(
        ("/search_similar", {"query_text": "a", "filters": invalid})
        for invalid in (
            [],
            "all",
            {"colour": "red"},
            {"sentiment": "angry"},
            {"sentiments": []},
            {"product_id": 5},
            {"product_id": "x" * 513},
            {"product_ids": []},
            {"product_ids": ["a"] * 501},
            {"min_rating": 0},
            {"max_rating": 6},
            {"min_rating": 4, "max_rating": 2},
            {"date_from": "yesterday"},
            {"date_from": "2024-02-30"},
            {"date_to": 10**18},
            {"date_from": "2025-01-02", "date_to": "2025-01-01"},
        )
    ),
    *(("/process", {"ingest_id": invalid}) for invalid in ("", "a b", "../x", "x" * 65, 5, None)),
    *(("/collect", invalid) for invalid in ([], {"prefix": 5}, {"bucket": "x"}, {"source": []})),
    ("/collect", {"source": "https://example.org"}),
    ("/collect", {"source": "s3://another-bucket/uploads/"}),
    ("/collect", {"source": "s3://reviewlens-raw/a", "prefix": "b"}),
    ("/collect", {"prefix": "x" * 1_025}),
    ("/collect", {"prefix": "a\0"}),
    ("/collect", {"source": "s3://reviewlens-raw/\0"}),
    # invisible characters alone are not a text
    ("/analyze", {"query_text": "\0"}),
    ("/analyze", {"query_text": "\u200b\ufeff"}),
    ("/embeddings", {"texts": ["\0"]}),
]


@pytest.mark.parametrize(("path", "body"), WRONG, ids=range(len(WRONG)))
def test_an_invalid_field_is_refused(client, path, body):
    assert_problem(client.post(path, json=body), 422)


ODD = [
    *(
        ("/search_similar", {"query_text": "a", "filters": odd})
        for odd in (
            {"product_id": "\0"},
            {"product_id": "'; DROP TABLE reviews; --"},
            {"product_ids": [f"p{n}" for n in range(500)]},
            {"category": "\0%_"},
            {"date_from": "0001-01-01", "date_to": "9999-12-31"},
            {"date_to": "0001-01-01"},
            {"date_from": "9999-12-31"},
            {},
        )
    ),
    *(
        ("/analyze", {"query_text": odd})
        for odd in ("a\0", "x" * 10_000, "\U0001f44d" * 5_000, "\u202e\ufeff!", "a\n" * 4_000)
    ),
    ("/analyze", {"query_text": "a", "unknown": {"deep": [[[]]]}, "top_k": 0}),
    ("/analyze/batch", {"texts": ["\U0001f44d" * 5_000] * 3}),
    ("/embeddings", {"texts": ["a\0"]}),
]


@pytest.mark.parametrize(("path", "body"), ODD, ids=range(len(ODD)))
def test_an_unusual_valid_body_is_accepted(client, path, body):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text


def cursor(text):
    return base64.urlsafe_b64encode(text.encode()).decode()


QUERIES = [
    *(f"/products?limit={invalid}" for invalid in ("0", "201", "x", "1e3", "-1", "")),
    *(f"/reviews?limit={invalid}" for invalid in ("0", "201", "x", "9" * 400)),
    *(
        f"{path}?cursor={invalid}"
        for path in ("/products", "/reviews")
        for invalid in (
            *("x", "%00", "%ff", "日本", "a" * 2_049, "=", "bnVsbA"),
            *(cursor(text) for text in ("[]", "{}", "[1]", '["a", "b", "c"]', "[NaN, 1]")),
            *(cursor(text) for text in ('[1e30, "a"]', '[5, "\\u0000"]', "[" * 99)),
        )
    ),
    "/products?cursor=" + cursor('["reviews", "desc", -1, "a"]'),
    "/products?cursor=" + cursor('["reviews", "asc", 1, "a"]'),
    "/products?cursor=" + cursor('["reviews", "desc", 1e30, "a"]'),
    *(f"/reviews?min_rating={invalid}" for invalid in ("0", "6", "nan", "inf", "x")),
    *(f"/reviews?from={invalid}" for invalid in ("x", "2024-13-01", "%00", "99999-01-01")),
    *("/reviews?sentiment=angry", "/reviews?product_id=%00", "/reviews?product_id=" + "x" * 513),
    "/reviews?min_rating=4&max_rating=2",
    "/reviews?from=2025-01-02&to=2025-01-01",
    *(
        f"/trends?{invalid}"
        for invalid in ("interval=year", "from=x", "product_id=%00", "source=%00")
    ),
    *(
        "/trends?from=2025-01-02&to=2025-01-01",
        "/trends?interval=day&from=0001-01-01&to=9999-12-31",
    ),
    *("/movers?direction=up", "/movers?limit=0", "/segments?by=product", "/drift?days=0"),
    *("/aspects?limit=0", "/aspects?product_id=%00", "/aspects?category=%00"),
    *("/duplicates?kind=same", "/duplicates?cursor=x", "/duplicates?product_id=%00"),
    *("/overview?days=0", "/overview?category=%00", "/aspects?impact=1"),
    "/products/P1/summary?from=x",
    *("/reviews?aspect=%00", "/reviews?aspect=" + "x" * 61, "/reviews?mismatch=perhaps"),
    *(
        "/products?sort=name",
        "/products?order=up",
        "/products?search=%00",
        "/products?min_reviews=0",
    ),
    *(f"/collect?limit={invalid}" for invalid in ("0", "201", "x")),
    "/collect/" + "x" * 65,
]


@pytest.mark.parametrize("path", QUERIES, ids=range(len(QUERIES)))
def test_an_invalid_query_is_refused(client, path):
    assert_problem(client.get(path), 422)


@pytest.mark.parametrize(
    "path",
    [
        "/reviews?from=0001-01-01&to=9999-12-31",
        "/reviews?to=0001-01-01",
        "/reviews?source=%F0%9F%91%8D%25_",
        "/reviews?cursor=" + cursor('["0001-01-01T00:00:00+23:59", "a"]'),
        "/reviews?cursor=" + cursor('["9999-12-31T23:59:59-23:59", "a"]'),
        "/reviews?cursor=" + cursor('[null, "a"]'),
        "/products?cursor=" + cursor('["reviews", "desc", 0, "a"]'),
        "/products?sort=mean_rating&cursor=" + cursor('["mean_rating", "desc", NaN, "a"]'),
        "/products?limit=1&limit=2&unknown=x",
        "/products?search=%25_%5C",
        "/trends?to=0001-01-01",
        "/trends?interval=month&from=9999-12-31",
        "/aspects?category=unknown",
        "/reviews?aspect=%25_",
    ],
)
def test_an_unusual_valid_query_is_accepted(client, path):
    response = client.get(path)
    assert response.status_code == 200, response.text


def test_the_service_still_works_afterwards(client):
    assert client.get("/health").json()["status"] == "ok"
    analysis = client.post("/analyze", json={"query_text": "I love this kettle."}).json()
    assert analysis["sentiment"] == "positive"
