"""How both clients upload a dump."""

import json

import pytest

from reviewlens import ConnectionFailedError, ServerError, UploadError


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


def test_a_full_disk_of_the_bucket_is_said_in_one_sentence(client, server, dump):
    server.answers = [(200, target(f"{server.url}/bucket")), (507, b"<Error/>")]
    with pytest.raises(UploadError, match=r"The disk of the bucket is full\."):
        client.upload(dump)
