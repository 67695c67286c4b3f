"""The user's own AWS settings never affect the local stack."""

import json
import subprocess
import sys

import pytest

from local.aws.resources import local_client
from local.credentials import AwsKeys
from local.stack.environment import child_environment, function_environment

KEYS = AwsKeys("LOCALOURS", "ours")
ENDPOINT = "http://127.0.0.1:4566"
USERS = {
    "AWS_PROFILE": "production",
    "AWS_DEFAULT_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "theirs",
    "AWS_SECRET_ACCESS_KEY": "theirs",
    "AWS_SESSION_TOKEN": "theirs",
    "AWS_SECURITY_TOKEN": "theirs",
    "AWS_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "https://example.com",
    "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/theirs",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}
PRINT_AWS_SETTINGS = """
import boto3, json
session = boto3.session.Session()
credentials = session.get_credentials()
print(json.dumps({
    "endpoints": [session.client(name).meta.endpoint_url for name in ("s3", "sqs")],
    "region": session.region_name,
    "credentials": [credentials.access_key, credentials.secret_key, credentials.token],
}))
"""


@pytest.fixture
def environment(tmp_path):
    return child_environment({**USERS, "KEPT": "1"}, function_environment(ENDPOINT, tmp_path, KEYS))


def test_a_function_sees_only_the_local_account(environment, tmp_path):
    config = tmp_path / ".aws" / "config"
    config.parent.mkdir()
    config.write_text("[default]\nregion = ap-south-1\nignore_configured_endpoint_urls = true\n")
    result = subprocess.run(
        [sys.executable, "-c", PRINT_AWS_SETTINGS],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    assert json.loads(result.stdout) == {
        "endpoints": [ENDPOINT, ENDPOINT],
        "region": "us-east-1",
        "credentials": [KEYS.access_key, KEYS.secret_key, None],
    }


def test_no_aws_variable_of_the_user_remains(environment):
    ours = function_environment(ENDPOINT, "cache", KEYS)
    assert {name for name in environment if name.startswith("AWS_")} <= ours.keys()
    assert "theirs" not in environment.values()


def test_other_variables_are_kept(environment, tmp_path):
    assert environment["KEPT"] == "1"
    assert environment["HTTP_PROXY"] == USERS["HTTP_PROXY"]
    assert "127.0.0.1" in environment["NO_PROXY"]
    assert environment["REVIEWLENS_CACHE_DIR"] == str(tmp_path)


def test_settings_of_the_user_are_kept_unless_overridden():
    environment = child_environment({"REVIEWLENS_LOG_LEVEL": "DEBUG", "A": "1"}, {"A": "2"})
    assert environment == {"REVIEWLENS_LOG_LEVEL": "DEBUG", "A": "2"}


def test_every_queue_has_its_url():
    environment = function_environment(ENDPOINT, "cache", KEYS)
    for name in ("COLLECTION", "PROCESSING", "INDEX"):
        url = environment[f"REVIEWLENS_{name}_QUEUE_URL"]
        assert url == f"{ENDPOINT}/123456789012/reviewlens-{name.lower()}"


def test_the_clients_of_the_stack_ignore_the_variables(aws, monkeypatch):
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    client = local_client("s3", aws.url, aws.keys)
    assert client.list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
