"""A full disk, missing bytes or odd names affect nothing else."""

import logging
import resource
import socket

import pytest
from botocore.exceptions import ClientError

from local.aws.disk import DiskBuckets
from local.dumps import Upload
from local.errors import LocalStackError
from local.names import RAW_BUCKET
from local.stack.uploads import send
from shared.errors import StorageFullError
from shared.storage.objects import S3Store


def read(aws, bucket, key):
    return aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def status_of(aws, request):
    """HTTP status of a request that client libraries refuse to send."""
    with socket.create_connection(("127.0.0.1", aws.port), timeout=30) as connection:
        head = f"{request} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        with connection.makefile("rb") as response:
            return int(response.read().split(b" ")[1])


@pytest.fixture
def full_disk():
    """``full_disk(patch, "commit")``: that method of DiskBuckets fails as on a full disk."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    def fill(patch, step):
        patch.setattr(DiskBuckets, step, fail)

    return fill


def test_a_put_that_cannot_be_written_fails_and_the_old_object_stays(aws, bucket, full_disk):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    with pytest.MonkeyPatch.context() as patch:
        full_disk(patch, "commit")
        for key in ("k", "new"):
            with pytest.raises(ClientError, match=r"StorageFull.*The disk of the stack is full"):
                aws.s3.put_object(Bucket=bucket, Key=key, Body=b"lost")
    assert read(aws, bucket, "k") == b"old"
    assert [o["Key"] for o in aws.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    assert aws.staged() == []
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert read(aws, bucket, "k") == b"new"


@pytest.fixture
def limit_files():
    """``limit_files(n)``: files of this process cannot grow beyond n bytes, as with a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_bytes_that_do_not_fit_are_refused_and_leave_nothing(aws, bucket, limit_files):
    body = b"x" * 200_000
    limit_files(100_000)
    with pytest.raises(ClientError, match="StorageFull") as refused:
        aws.s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert aws.staged() == []
    limit_files(resource.RLIM_INFINITY)
    aws.s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert read(aws, bucket, "k") == body


def test_a_large_file_that_does_not_fit_is_refused_in_one_sentence(aws, limit_files, tmp_path):
    aws.s3.create_bucket(Bucket=RAW_BUCKET)
    path = tmp_path / "dump.json"
    path.write_bytes(b"x" * 20_000_000)  # sent in parts
    limit_files(100_000)
    with pytest.raises(LocalStackError) as refused:
        send(aws.s3, Upload(path, "uploads/dump.json", None), lambda _: None)
    assert refused.value.message == (
        f"{path} could not be uploaded: The disk of the stack is full."
        " Free some space, then repeat the upload."
    )


def test_a_deletion_that_cannot_be_written_fails_and_the_object_stays(aws, bucket, full_disk):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    with pytest.MonkeyPatch.context() as patch:
        full_disk(patch, "remove")
        with pytest.raises(ClientError, match=r"StorageFull.*The disk of the stack is full"):
            aws.s3.delete_object(Bucket=bucket, Key="k")
    assert read(aws, bucket, "k") == b"old"


def test_an_object_without_its_bytes_is_put_into_quarantine_and_logged(aws, bucket, caplog):
    for key in ("gone", "cut", "whole"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    aws.stop()
    data = aws.root / bucket / "data"
    (data / aws.records(bucket)["gone"]["blob"]).unlink()
    (data / aws.records(bucket)["cut"]["blob"]).write_bytes(b"c")
    with caplog.at_level(logging.INFO, "local.quarantine"):
        aws.start()
    messages = " ".join(record.getMessage() for record in caplog.records)
    assert "gone" in messages
    assert "cut" in messages
    assert "whole" not in messages
    assert aws.loaded == 1
    assert read(aws, bucket, "whole") == b"whole"
    aws.s3.put_object(Bucket=bucket, Key="gone", Body=b"back")
    aws.restart()
    assert read(aws, bucket, "gone") == b"back"


def test_leftover_files_of_a_killed_process_are_removed(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    aws.stop()
    leftovers = [
        aws.root / ".staged" / "abc",
        aws.root / bucket / "data" / "abc.retired",
        aws.root / bucket / "meta" / ".abc.json.12.0a1b2c3d",
    ]
    for path in leftovers:
        path.write_bytes(b"partial")
    aws.start()
    assert [path for path in leftovers if path.exists()] == []
    assert read(aws, bucket, "k") == b"body"


def test_a_deleted_bucket_is_gone_and_can_be_created_again(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        aws.s3.delete_bucket(Bucket=bucket)
    aws.s3.delete_object(Bucket=bucket, Key="k")
    aws.s3.delete_bucket(Bucket=bucket)
    aws.restart()
    assert aws.s3.list_buckets()["Buckets"] == []
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"again")
    aws.restart()
    assert read(aws, bucket, "k") == b"again"


def test_a_bucket_with_a_dot_in_its_name_survives(aws):
    aws.s3.create_bucket(Bucket="with.dot")
    aws.s3.put_object(Bucket="with.dot", Key="k", Body=b"body")
    aws.restart()
    assert read(aws, "with.dot", "k") == b"body"


@pytest.mark.parametrize("name", ["..", ".", ".staged", "", "missing", "n" * 300, "%2e%2e"])
def test_requests_to_a_missing_bucket_do_not_affect_other_buckets(aws, bucket, tmp_path, name):
    neighbour = tmp_path / "neighbour"
    neighbour.write_bytes(b"x")
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    for method in ("PUT", "DELETE", "POST"):
        status_of(aws, f"{method} /{name}/key")
    for method in ("DELETE", "POST"):
        status_of(aws, f"{method} /{name}")
    aws.s3.put_object(Bucket=bucket, Key="k2", Body=b"body")
    assert neighbour.exists()
    aws.restart()
    assert read(aws, bucket, "k") == read(aws, bucket, "k2") == b"body"


def test_the_application_reads_a_full_disk_as_such(aws, bucket, limit_files, tmp_path):
    store = S3Store(aws.s3, bucket)
    path = tmp_path / "index.faiss"
    path.write_bytes(b"x" * 20_000_000)  # sent in parts
    store.put("large", b"x" * 200_000)
    limit_files(100_000)
    with pytest.raises(StorageFullError, match="S3 has no space for object k"):
        store.put("k", b"x" * 200_000)
    with pytest.raises(StorageFullError, match="S3 has no space for object k"):
        store.upload("k", path)
    with pytest.raises(StorageFullError, match="cannot be downloaded: no space is left"):
        store.download("large", tmp_path / "large")
