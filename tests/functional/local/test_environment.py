"""The user's own AWS account and the local one never meet."""

import json
import subprocess
import sys

import pytest

from local.aws.resources import local_client
from local.stack.environment import child_environment, function_environment

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
LOOK = """
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
    return child_environment({**USERS, "KEPT": "1"}, function_environment(ENDPOINT, tmp_path))


def test_a_function_sees_the_local_account_alone(environment, tmp_path):
    config = tmp_path / ".aws" / "config"
    config.parent.mkdir()
    config.write_text("[default]\nregion = ap-south-1\nignore_configured_endpoint_urls = true\n")
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "endpoints": [ENDPOINT, ENDPOINT],
        "region": "us-east-1",
        "credentials": ["local", "local", None],
    }


def test_nothing_of_the_users_account_is_left(environment):
    ours = function_environment(ENDPOINT, "cache")
    assert {name for name in environment if name.startswith("AWS_")} <= ours.keys()
    assert "theirs" not in environment.values()


def test_other_variables_stay(environment, tmp_path):
    assert environment["KEPT"] == "1"
    assert environment["HTTP_PROXY"] == USERS["HTTP_PROXY"]
    assert "127.0.0.1" in environment["NO_PROXY"]
    assert environment["REVIEWLENS_CACHE_DIR"] == str(tmp_path)


def test_settings_of_the_user_stay_but_never_win_over_ours():
    made = child_environment({"REVIEWLENS_LOG_LEVEL": "DEBUG", "A": "1"}, {"A": "2"})
    assert made == {"REVIEWLENS_LOG_LEVEL": "DEBUG", "A": "2"}


def test_every_queue_has_its_url():
    made = function_environment(ENDPOINT, "cache")
    for name in ("COLLECTION", "PROCESSING", "INDEX"):
        url = made[f"REVIEWLENS_{name}_QUEUE_URL"]
        assert url == f"{ENDPOINT}/123456789012/reviewlens-{name.lower()}"


def test_the_stacks_own_clients_heed_no_variable_either(aws, monkeypatch):
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    client = local_client("s3", aws.url)
    assert client.list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
