"""The local AWS answers only requests that are signed with the keys of its state folder."""

import base64
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from botocore.exceptions import ClientError

from local.aws.resources import local_client
from local.credentials import AwsKeys

KEY = "uploads/a b/ü+(1)&=~*'.csv"
BODY = b"a,b\r\n1,2\r\n" * 1000
SIZE = len(BODY)
OTHERS = {
    "InvalidAccessKeyId": lambda keys: AwsKeys("local", "local"),
    "SignatureDoesNotMatch": lambda keys: AwsKeys(keys.access_key, "another secret"),
}


def form(aws, bucket="bucket", key=KEY, *, expires=600, size=SIZE):
    return aws.s3.generate_presigned_post(
        bucket, key, Conditions=[["content-length-range", 1, size]], ExpiresIn=expires
    )


def post(signed, fields=(), content=BODY):
    files = {"file": ("x.csv", content)}
    return httpx.post(signed["url"], data=signed["fields"] | dict(fields), files=files)


def code_of(answer):
    assert answer.status_code == 403
    return answer.text.partition("<Code>")[2].partition("<")[0]


@pytest.mark.parametrize("code", OTHERS)
def test_other_keys_are_refused_by_every_service(aws, bucket, code):
    keys = OTHERS[code](aws.keys)
    for service, call, arguments in (
        ("s3", "list_buckets", {}),
        ("s3", "put_object", {"Bucket": bucket, "Key": KEY, "Body": BODY}),
        ("sqs", "list_queues", {}),
        ("secretsmanager", "list_secrets", {}),
        ("sts", "get_caller_identity", {}),
    ):
        client = local_client(service, aws.url, keys)
        with pytest.raises(ClientError) as caught:
            getattr(client, call)(**arguments)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert aws.records(bucket) == {}


def test_a_request_without_a_signature_is_refused(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for method, path in (("GET", "/"), ("GET", "/bucket/k"), ("PUT", "/bucket/n"), ("POST", "/")):
        assert code_of(httpx.request(method, f"{aws.url}{path}", content=b"x")) == "AccessDenied"
    basic = {"authorization": f"AWS {aws.keys.access_key}:c2lnbmF0dXJl"}
    assert code_of(httpx.get(f"{aws.url}/bucket/k", headers=basic)) == "AccessDenied"
    target = {"x-amz-target": "AWSCognitoIdentityService.GetId", "x-amz-date": "20260101T000000Z"}
    assert code_of(httpx.post(aws.url, headers=target, content=b"{}")) == "AccessDenied"


def test_any_key_any_metadata_and_any_size_can_be_stored(aws, bucket, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 40_000)
    metadata = {"note": "two  spaces", "with_underscore": "1"}
    aws.s3.put_object(Bucket=bucket, Key=KEY, Body=BODY, Metadata=metadata)
    aws.s3.upload_file(str(large), bucket, "dir//./../large")
    assert aws.s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == BODY
    assert aws.s3.head_object(Bucket=bucket, Key=KEY)["Metadata"] == metadata
    parts = aws.s3.get_object(Bucket=bucket, Key="dir//./../large", Range="bytes=5-9")
    assert parts["Body"].read() == bytes(range(5, 10))
    listing = aws.s3.list_objects_v2(Bucket=bucket, Prefix="uploads/a b/ü+", MaxKeys=1)
    assert [entry["Key"] for entry in listing["Contents"]] == [KEY]


def test_a_signed_link_reads_one_object_until_it_expires(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key=KEY, Body=BODY)
    aws.s3.put_object(Bucket=bucket, Key="other", Body=BODY)
    arguments = {"Params": {"Bucket": bucket, "Key": KEY}, "ExpiresIn": 600}
    link = aws.s3.generate_presigned_url("get_object", **arguments)
    assert httpx.get(link).content == BODY
    assert code_of(httpx.put(link, content=b"x")) == "SignatureDoesNotMatch"
    other = f"{aws.url}/bucket/other?{link.partition('?')[2]}"
    assert code_of(httpx.get(other)) == "SignatureDoesNotMatch"
    assert code_of(httpx.get(f"{link}&acl=")) == "SignatureDoesNotMatch"
    assert code_of(httpx.get(link, headers={"x-amz-copy-source": "/bucket/other"})) == (
        "AccessDenied"
    )
    expired = aws.s3.generate_presigned_url("get_object", **arguments | {"ExpiresIn": -1})
    assert code_of(httpx.get(expired)) == "AccessDenied"
    without = link.partition("&X-Amz-Signature")[0]
    assert code_of(httpx.get(without)) == "AuthorizationQueryParametersError"


def test_a_signed_form_stores_one_object(aws, bucket):
    assert post(form(aws)).status_code == 204
    assert aws.s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == BODY


def test_a_large_file_is_stored_through_a_form(aws, bucket):
    large = b"0123456789abcdef" * 2**16
    assert post(form(aws, size=len(large)), content=large).status_code == 204
    assert aws.s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == large


def edited(signed, **changes):
    """The form with changes to its policy, which its signature does not cover."""
    policy = json.loads(base64.b64decode(signed["fields"]["policy"])) | changes
    return {"policy": base64.b64encode(json.dumps(policy).encode()).decode()}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"key": "elsewhere"}, "AccessDenied"),
        ({"acl": "public-read"}, "AccessDenied"),
        ({"x-amz-signature": "0" * 64}, "SignatureDoesNotMatch"),
        ({"x-amz-signature": "ü"}, "SignatureDoesNotMatch"),
        ({"policy": "e30="}, "AccessDenied"),
        ({"policy": "not base64"}, "AccessDenied"),
        ({"x-amz-algorithm": "AWS3"}, "AccessDenied"),
        ({"x-amz-credential": "x"}, "AccessDenied"),
        ({"x-amz-credential": "AKIA/20260101/us-east-1/s3/aws4_request"}, "InvalidAccessKeyId"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_a_form_that_was_changed_is_refused(aws, bucket, fields, code):
    assert code_of(post(form(aws), fields)) == code
    assert aws.records(bucket) == {}


def test_a_form_is_for_one_bucket_one_size_and_some_time(aws, bucket):
    aws.s3.create_bucket(Bucket="other")
    signed = form(aws)
    assert code_of(post(signed | {"url": f"{aws.url}/other"})) == "AccessDenied"
    assert code_of(post(signed, content=BODY + b"!")) == "AccessDenied"
    assert code_of(post(form(aws, expires=-1))) == "AccessDenied"
    later = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert code_of(post(signed, edited(signed, expiration=later))) == "SignatureDoesNotMatch"
    assert aws.records(bucket) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--b\r\n",
        b"--b--",
        b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk',
        b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n' * 3 + b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
        b"x" * 100_000,
    ],
    ids=["empty", "cut", "end", "no-end", "twice", "unsigned", "no-fields"],
)
def test_a_broken_form_is_refused(aws, bucket, content):
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = httpx.post(f"{aws.url}/bucket", content=content, headers=headers)
    assert code_of(answer) == "AccessDenied"
    for kind in ("multipart/form-data", "multipart/form-data; boundary="):
        headers = {"content-type": kind}
        answer = httpx.post(f"{aws.url}/bucket", content=content, headers=headers)
        assert code_of(answer) == "AccessDenied"
