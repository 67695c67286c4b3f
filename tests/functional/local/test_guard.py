"""Web pages cannot reach the local AWS."""

import socket

import pytest

from local.aws.guard import Guard, is_trusted_host, is_trusted_origin


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:4566", "[::1]", "[::1]:4566"],
)
def test_host_names_of_this_machine_are_trusted(host):
    assert is_trusted_host(host)
    assert is_trusted_origin(f"http://{host}")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:4566",
        "evil.example:127.0.0.1",
        "localhost@evil.example",
        "192.168.0.1",
        "0.0.0.0",
        "[",
        "[::1",
        "[evil.example]",
        "\0",
    ],
)
def test_other_host_names_are_not_trusted(host):
    assert not is_trusted_host(host)
    assert not is_trusted_origin(f"http://{host}")


def test_programs_send_no_origin_and_sandboxed_pages_send_null():
    assert is_trusted_origin(None)
    assert not is_trusted_origin("null")
    assert not is_trusted_origin("")
    assert not is_trusted_origin("file://")


def status_of(aws, request, *headers):
    with socket.create_connection(("127.0.0.1", aws.port), timeout=30) as connection:
        lines = [f"{request} HTTP/1.1", "Content-Length: 0", "Connection: close", *headers]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        with connection.makefile("rb") as response:
            return int(response.read().split(b" ")[1])


def test_a_request_with_another_host_name_is_refused(aws):
    assert status_of(aws, "GET /", f"Host: 127.0.0.1:{aws.port}") == 200
    assert status_of(aws, "GET /", "Host: rebound.example") == 403
    assert status_of(aws, "GET /", "Host: [") == 403
    assert status_of(aws, "GET /") == 403


def test_a_request_from_another_site_is_refused(aws, bucket):
    own = "Host: localhost"
    assert status_of(aws, "PUT /bucket/k", own, "Origin: http://evil.example") == 403
    assert status_of(aws, "PUT /bucket/k", own, "Origin: null") == 403
    assert status_of(aws, "PUT /bucket/k", own, "Origin: http://[") == 403
    assert aws.records(bucket) == {}
    assert status_of(aws, "PUT /bucket/k", own, "Origin: http://localhost:8006") == 200


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/reset",
        "/moto-api",
        "//moto-api/reset",
        "/%6doto-api/reset",
        "/x/../moto-api/reset",
    ],
)
def test_the_control_api_cannot_erase_anything(aws, bucket, path):
    status = status_of(aws, f"POST {path}", "Host: localhost")
    assert status == 403 or path.startswith("/x/")
    assert [b["Name"] for b in aws.s3.list_buckets()["Buckets"]] == [bucket]


def test_a_trusted_request_is_forwarded_unchanged():
    forwarded = []

    def application(environ, start_response):
        forwarded.append(environ)
        return [b"response"]

    environ = {"HTTP_HOST": "localhost", "PATH_INFO": "/a"}
    assert Guard(application)(environ, None) == [b"response"]
    assert forwarded == [environ]
