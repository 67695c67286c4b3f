"""Web pages cannot reach the local AWS; tests/unit/http has the rules."""

import socket

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signed(aws, method, target, *headers):
    """Header lines of a request that is signed for S3; the target is signed as it is."""
    request = AWSRequest(method, f"{aws.url}{target}", headers=dict(headers))
    S3SigV4Auth(Credentials(aws.keys.access_key, aws.keys.secret_key), "s3", "us-east-1").add_auth(
        request
    )
    return [f"{name}: {value}" for name, value in request.headers.items()]


def status_of(aws, request, *headers, version="1.1"):
    with socket.create_connection(("127.0.0.1", aws.port), timeout=30) as connection:
        lines = [f"{request} HTTP/{version}", "Content-Length: 0", "Connection: close", *headers]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        with connection.makefile("rb") as response:
            return int(response.read().split(b" ")[1])


def test_a_request_with_another_host_name_is_refused(aws):
    own, signature = f"Host: 127.0.0.1:{aws.port}", signed(aws, "GET", "/")
    assert status_of(aws, "GET /", own, *signature) == 200
    assert status_of(aws, "GET /", own, *signature, version="1.0") == 200
    for hosts in (
        *([], ["Host: rebound.example"], ["Host: ["], ["Host: 127.0.0.1"]),
        *([own, own], [own, "Host: rebound.example"], [f"Host: u@127.0.0.1:{aws.port}"]),
    ):
        assert status_of(aws, "GET /", *hosts, *signature) == 421
        assert status_of(aws, "GET /", *hosts, *signature, version="1.0") == 421


def test_a_host_in_the_request_line_cannot_hide_another(aws):
    signature = signed(aws, "GET", "/")
    for place in (aws.url, "http://rebound.example"):
        for host in ("rebound.example", f"127.0.0.1:{aws.port}"):
            assert status_of(aws, f"GET {place}/", f"Host: {host}", *signature) == 421


def test_a_request_from_another_site_is_refused(aws, bucket):
    own = f"Host: 127.0.0.1:{aws.port}"
    signature = signed(aws, "PUT", "/bucket/k")
    others = ("http://evil.example", "null", "http://[", f"http://localhost:{aws.port}")
    for origin in (*others, "http://127.0.0.1:8006"):
        assert status_of(aws, "PUT /bucket/k", own, f"Origin: {origin}", *signature) == 403
    assert aws.records(bucket) == {}
    own_origin = f"Origin: {aws.url}"
    assert status_of(aws, "PUT /bucket/k", own, own_origin, *signature) == 200


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/reset",
        "/moto-api",
        "//moto-api/reset",
        "/%6doto-api/reset",
        "/x/../moto-api/reset",
        "/latest/meta-data/iam",
    ],
)
def test_the_control_api_cannot_erase_anything(aws, bucket, path):
    status = status_of(aws, f"POST {path}", f"Host: 127.0.0.1:{aws.port}")
    assert status == 403
    assert [b["Name"] for b in aws.s3.list_buckets()["Buckets"]] == [bucket]
