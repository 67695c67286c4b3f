"""Signatures of calls that start work, for an API on AWS."""

import hashlib
import hmac
import sys

import pytest
from botocore.credentials import Credentials

from reviewlens import NotFoundError, RequestRejectedError, SigningError, SigV4
from reviewlens.signing import region_of, signer_for
from tests.clients import KINDS, client_of, scripted_server

ON_AWS = "https://a.execute-api.eu-west-1.amazonaws.com/v1"


@pytest.fixture
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture
def credentials():
    return Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token")


@pytest.fixture(params=KINDS)
def client(request, server, credentials):
    with client_of(request.param, server.url, signer=SigV4(credentials, "eu-west-1")) as made:
        yield made


def signature(method, path, headers, body, credentials):
    """The signature of a request as API Gateway computes it."""
    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    assert scheme == "AWS4-HMAC-SHA256"
    day = headers["x-amz-date"][:8]
    scope = f"{day}/eu-west-1/execute-api/aws4_request"
    assert parts["Credential"] == f"AKIDEXAMPLE/{scope}"
    names = parts["SignedHeaders"].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    lines = [f"{name}:{headers[name].strip()}" for name in names]
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join([method, path, "", *lines, "", ";".join(names), digest])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = b"AWS4" + credentials.secret_key.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return parts["Signature"], hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def test_an_upload_is_signed_as_aws_computes_it(client, server, credentials, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,rating\nIt broke.,1\n")
    server.answers = [(422, {})]
    with pytest.raises(RequestRejectedError):
        client.upload(path)
    method, path, headers, body = server.requests[0]
    assert headers["x-amz-security-token"] == "token"
    sent, computed = signature(method, path, headers, body, credentials)
    assert sent == computed


def test_a_call_without_a_body_is_signed(client, server, credentials):
    server.answers = [(404, {"title": "x", "status": 404, "code": "not_found", "detail": "no"})]
    with pytest.raises(NotFoundError):
        client.cancel_training("train_20261129_001")
    method, path, headers, body = server.requests[0]
    assert body == b""
    assert "content-type" not in headers
    sent, computed = signature(method, path, headers, body, credentials)
    assert sent == computed


def test_reads_are_not_signed(client, server):
    server.answers = [(404, {})]
    for read in (client.drift, lambda: client.analyze("x")):
        with pytest.raises(Exception, match="404"):
            read()
    assert all("authorization" not in headers for _, _, headers, _ in server.requests)


def test_the_region_is_read_from_the_address():
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
    assert isinstance(signer_for(ON_AWS, None), SigV4)


def test_without_credentials_nothing_is_signed(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert signer_for(ON_AWS, None) is None


@pytest.mark.parametrize("kind", KINDS)
def test_without_botocore_the_error_names_the_extra(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with (
        client_of(kind, ON_AWS) as made,
        pytest.raises(SigningError, match=r"pip install 'reviewlens\[aws\]'"),
    ):
        made.collect()
