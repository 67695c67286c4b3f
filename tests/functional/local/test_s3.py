"""Objects survive a restart and behave as in S3."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from local.aws.disk import DiskBuckets
from local.aws.server import LocalAws
from local.credentials import AwsKeys
from shared.storage.objects import S3Store

KEYS = AwsKeys("LOCAL0123456789ABCDE", "the secret of these tests")
ODD_KEYS = [
    "plain",
    "a/b/c.txt",
    "a//b",
    "trailing/",
    "/leading",
    "with space + plus %20 percent",
    "ünïcödé/日本語/🎧",
    "..",
    "../../escape",
    "a/../b",
    "./.",
    "question?mark#hash&amp=1",
    "quote'\"<>",
    "k" * 1000,
    "x" * 255 + "/" + "y" * 255,
]


def read(aws, bucket, key, **more):
    return aws.s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_any_key_survives_a_restart(aws, bucket, key):
    aws.s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    aws.restart()
    assert aws.loaded == 1
    assert read(aws, bucket, key) == key.encode()
    (listed,) = aws.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert listed["Key"] == key


@pytest.mark.parametrize("key", ODD_KEYS)
def test_the_only_version_of_any_key_is_listed_and_deleted(aws, bucket, key):
    etag = aws.s3.put_object(Bucket=bucket, Key=key, Body=b"x" * 100)["ETag"]
    aws.s3.put_object(Bucket=bucket, Key=f"{key}.mapping.json", Body=b"{}")
    store = S3Store(aws.s3, bucket)
    (version,) = store.versions(key)
    assert version.etag == etag.strip('"')
    store.delete_version(key, version.version_id)
    assert store.versions(key) == []
    aws.restart()
    assert [info.key for info in S3Store(aws.s3, bucket).list("")] == [f"{key}.mapping.json"]


def test_keys_are_never_used_as_paths(aws, bucket, tmp_path):
    for key in ODD_KEYS:
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["s3"]
    assert {path.name for path in aws.root.iterdir()} == {".staged", bucket}
    assert len(list((aws.root / bucket / "data").iterdir())) == len(ODD_KEYS)


def test_metadata_tags_and_times_survive_a_restart(aws, bucket):
    aws.s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=b"body",
        ContentType="text/csv",
        ContentEncoding="gzip",
        CacheControl="max-age=5",
        Metadata={"source": "test", "other": "y"},
        Tagging="colour=red&size=large",
        StorageClass="STANDARD_IA",
        ChecksumAlgorithm="SHA256",
    )
    before = aws.s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    aws.restart()
    after = aws.s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    for name in before.keys() - {"ResponseMetadata"}:
        assert after[name] == before[name]
    assert after["ETag"] == f'"{hashlib.md5(b"body").hexdigest()}"'
    assert after["Metadata"] == {"source": "test", "other": "y"}
    assert after["ContentType"] == "text/csv"
    assert after["ContentEncoding"] == "gzip"
    assert after["ChecksumSHA256"]
    tags = aws.s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"colour": "red", "size": "large"}


def test_changed_tags_survive_a_restart(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    aws.s3.put_object_tagging(
        Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    )
    aws.restart()
    assert aws.s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "b"}
    ]
    assert read(aws, bucket, "k") == b"body"


def test_the_last_put_of_a_key_wins(aws, bucket):
    for body in (b"one", b"two", b"three"):
        aws.s3.put_object(Bucket=bucket, Key="k", Body=body)
        assert read(aws, bucket, "k") == body
    aws.restart()
    assert read(aws, bucket, "k") == b"three"
    assert len(list((aws.root / bucket / "data").iterdir())) == 1


def test_deleted_objects_stay_deleted(aws, bucket):
    for key in ("a", "b", "c", "kept"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    aws.s3.delete_object(Bucket=bucket, Key="a")
    aws.s3.delete_object(Bucket=bucket, Key="a")
    aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}, {"Key": "c"}]})
    assert aws.records(bucket).keys() == {"kept"}
    aws.restart()
    listed = aws.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == ["kept"]
    assert code_of(aws.s3.get_object, Bucket=bucket, Key="a") == "NoSuchKey"


def test_a_copy_is_independent_of_its_source(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="from", Body=b"body", Metadata={"m": "1"})
    aws.s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from"})
    aws.s3.delete_object(Bucket=bucket, Key="from")
    aws.restart()
    assert read(aws, bucket, "to") == b"body"
    assert aws.s3.head_object(Bucket=bucket, Key="to")["Metadata"] == {"m": "1"}


def test_a_copy_onto_itself_changes_only_metadata(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"body", Metadata={"m": "1"})
    aws.s3.copy_object(
        Bucket=bucket,
        Key="k",
        CopySource={"Bucket": bucket, "Key": "k"},
        Metadata={"m": "2"},
        MetadataDirective="REPLACE",
    )
    aws.restart()
    assert read(aws, bucket, "k") == b"body"
    assert aws.s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"m": "2"}


def test_an_empty_object_survives_a_restart(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    aws.restart()
    assert read(aws, bucket, "empty") == b""
    assert aws.s3.head_object(Bucket=bucket, Key="empty")["ContentLength"] == 0


def test_ranges_are_served(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for span, body in [("0-3", b"0123"), ("5-", b"56789"), ("-2", b"89"), ("8-99", b"89")]:
        response = aws.s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={span}")
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert response["Body"].read() == body
    beyond = {"Bucket": bucket, "Key": "k", "Range": "bytes=10-"}
    assert code_of(aws.s3.get_object, **beyond) == "InvalidRange"


def test_listing_supports_pages_and_prefixes(aws, bucket):
    for n in range(7):
        aws.s3.put_object(Bucket=bucket, Key=f"p/{n}", Body=b"x" * n)
    aws.s3.put_object(Bucket=bucket, Key="q", Body=b"x")
    aws.restart()
    pages = aws.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="p/", PaginationConfig={"PageSize": 3}
    )
    entries = [(entry["Key"], entry["Size"]) for page in pages for entry in page["Contents"]]
    assert entries == [(f"p/{n}", n) for n in range(7)]


@pytest.mark.parametrize("character", ["\0", "\x01", "\v", "\x7f", "\x85", "&", "%", "é", "\ufffe"])
def test_a_list_may_begin_after_any_character(aws, bucket, character):
    for name in ("a/b", "a/c"):
        aws.s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    listed = aws.s3.list_objects_v2(Bucket=bucket, Prefix="a/", StartAfter=f"a/b{character}")
    assert [entry["Key"] for entry in listed["Contents"]] == ["a/c"]
    assert listed["StartAfter"] == f"a/b{character}"
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"a/{character}")


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"".join(bytes([n]) * 2**20 for n in range(19)) + b"end")
    return path


def test_a_multipart_upload_survives_a_restart(aws, bucket, large, tmp_path):
    aws.s3.upload_file(str(large), bucket, "large", ExtraArgs={"Metadata": {"m": "1"}})
    before = aws.s3.head_object(Bucket=bucket, Key="large")
    assert before["ETag"].endswith('-3"')
    aws.restart()
    after = aws.s3.head_object(Bucket=bucket, Key="large")
    assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
    assert after["Metadata"] == {"m": "1"}
    aws.s3.download_file(bucket, "large", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_a_finished_multipart_upload_leaves_no_parts(aws, bucket, large):
    aws.s3.upload_file(str(large), bucket, "large")
    assert aws.staged() == []


def test_an_aborted_multipart_upload_leaves_no_parts(aws, bucket):
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    aws.s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    assert [path.read_bytes() for path in aws.staged()] == [b"part"]
    aws.s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert aws.staged() == []
    assert aws.records(bucket) == {}


def test_a_part_uploaded_again_replaces_the_first(aws, bucket):
    part = {"Bucket": bucket, "Key": "k"}
    part["UploadId"] = aws.s3.create_multipart_upload(**part)["UploadId"]
    aws.s3.upload_part(**part, PartNumber=1, Body=b"first")
    etag = aws.s3.upload_part(**part, PartNumber=1, Body=b"second")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    aws.s3.complete_multipart_upload(**part, MultipartUpload=parts)
    assert read(aws, bucket, "k") == b"second"


def test_a_multipart_upload_with_wrong_parts_is_refused(aws, bucket):
    part = {"Bucket": bucket, "Key": "k"}
    part["UploadId"] = aws.s3.create_multipart_upload(**part)["UploadId"]
    etags = [
        aws.s3.upload_part(**part, PartNumber=n, Body=b"small")["ETag"].strip('"') for n in (1, 2)
    ]

    def complete(*parts_listed):
        parts = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in parts_listed]}
        return code_of(aws.s3.complete_multipart_upload, **part, MultipartUpload=parts)

    assert complete((1, "0" * 32)) == "InvalidPart"
    assert complete((3, etags[0])) == "InvalidPart"
    assert complete((1, etags[0]), (2, etags[1])) == "EntityTooSmall"
    assert aws.records(bucket) == {}


def test_an_unfinished_upload_does_not_survive_and_leaves_nothing(aws, bucket):
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    aws.s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    aws.restart()
    assert aws.staged() == []
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=bucket)


def test_only_the_first_of_two_conditional_puts_wins(aws, bucket):
    put = aws.s3.put_object
    first = put(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    refused = "PreconditionFailed"
    assert code_of(put, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == refused
    aws.restart()
    put = aws.s3.put_object
    assert code_of(put, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == refused
    put(Bucket=bucket, Key="k", Body=b"3", IfMatch=first)
    assert code_of(put, Bucket=bucket, Key="k", Body=b"4", IfMatch=first) == refused
    assert read(aws, bucket, "k") == b"3" == aws.bytes_on_disk(bucket, "k")


@pytest.mark.parametrize("condition", ["absent", "match"])
def test_exactly_one_of_several_racing_writers_wins(aws, bucket, condition):
    writers = 6
    for n in range(5):
        key = f"k{n}"
        conditions = {"IfNoneMatch": "*"}
        if condition == "match":
            etag = aws.s3.put_object(Bucket=bucket, Key=key, Body=b"old")["ETag"]
            conditions = {"IfMatch": etag}
        barrier = threading.Barrier(writers)

        def write(writer, key=key, conditions=conditions, barrier=barrier):
            barrier.wait()
            try:
                aws.s3.put_object(Bucket=bucket, Key=key, Body=b"%d" % writer, **conditions)
            except ClientError as error:
                return error.response["Error"]["Code"]
            return b"%d" % writer

        with ThreadPoolExecutor(writers) as pool:
            outcomes = list(pool.map(write, range(writers)))
        assert outcomes.count("PreconditionFailed") == writers - 1
        (winner,) = set(outcomes) - {"PreconditionFailed"}
        assert winner == read(aws, bucket, key) == aws.bytes_on_disk(bucket, key)


@pytest.fixture
def blocked_disk(monkeypatch):
    """Commits block until ``may_commit`` is set; ``arrived`` is set when one starts."""
    commit = DiskBuckets.commit
    arrived, may_commit = threading.Event(), threading.Event()

    def slow(self, *arguments):
        arrived.set()
        assert may_commit.wait(30)
        commit(self, *arguments)

    monkeypatch.setattr(DiskBuckets, "commit", slow)
    yield arrived, may_commit
    may_commit.set()


def notify(aws, bucket, url):
    aws.s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": aws.arn(url), "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    assert [json.loads(body)["Event"] for body in aws.bodies(url)] == ["s3:TestEvent"]


def test_response_and_event_wait_for_the_disk(aws, bucket, blocked_disk):
    arrived, may_commit = blocked_disk
    url = aws.queue(VisibilityTimeout="0")
    notify(aws, bucket, url)
    aws.sqs.purge_queue(QueueUrl=url)
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"body")
        assert arrived.wait(30)
        assert aws.bodies(url) == []
        assert aws.records(bucket) == {}
        assert not put.done()
        may_commit.set()
        put.result()
    assert aws.bytes_on_disk(bucket, "k") == b"body"
    assert len(aws.bodies(url)) == 1


def test_each_new_object_sends_one_event(aws, bucket, large):
    url = aws.queue()
    notify(aws, bucket, url)
    aws.s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"body")
    aws.s3.upload_file(str(large), bucket, "large", Config=TransferConfig(max_concurrency=1))
    aws.s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ü"})
    aws.s3.delete_object(Bucket=bucket, Key="copy")
    events = [json.loads(body)["Records"][0] for body in aws.bodies(url)]
    assert [(event["eventName"], event["s3"]["object"]["key"]) for event in events] == [
        ("ObjectCreated:Put", "a+b%2F%C3%BC"),
        ("ObjectCreated:CompleteMultipartUpload", "large"),
        ("ObjectCreated:Copy", "copy"),
    ]


def test_a_refused_put_sends_no_event(aws, bucket):
    url = aws.queue()
    notify(aws, bucket, url)
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert len(aws.bodies(url)) == 1
    with pytest.raises(ClientError):
        aws.s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert aws.bodies(url) == []


def test_an_object_uploaded_by_a_presigned_form_survives_a_restart(aws, bucket):
    signed = aws.s3.generate_presigned_post(
        bucket, "uploads/web/1/ü b+c.csv", Conditions=[["content-length-range", 1, 100]]
    )
    assert signed["url"].startswith("http://127.0.0.1:")
    response = httpx.post(
        signed["url"], data=signed["fields"], files={"file": ("x.csv", b"a,b\n\x00\xff")}
    )
    assert response.status_code == 204
    aws.restart()
    assert read(aws, bucket, "uploads/web/1/ü b+c.csv") == b"a,b\n\x00\xff"


def test_a_second_server_in_the_same_process_is_refused(aws, bucket, tmp_path, listener):
    other = LocalAws(tmp_path / "other", listener.dup(), keys=KEYS)
    with pytest.raises(RuntimeError, match="only one LocalAws"):
        other.start()
    other.stop()
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    aws.restart()
    assert read(aws, bucket, "k") == b"v"
