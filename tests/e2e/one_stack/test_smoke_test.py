"""The smoke test of a release, run against a local stack."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from local.names import RAW_BUCKET

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "release" / "smoke_test.py"


@pytest.fixture
def smoke(stack):
    """Runs the script with the given options and an API key of the stack's AWS."""
    gateway = stack.aws("apigateway")
    keys = stack.folder.aws_keys()
    key = gateway.create_api_key(name="reader", value=secrets.token_hex(16))["id"]

    def run(*options, url=stack.running.gateway_url, key_id=key):
        variables = {
            "API_URL": url,
            "API_KEY_ID": key_id,
            "RAW_BUCKET": RAW_BUCKET,
            "AWS_ENDPOINT_URL": stack.running.aws_url,
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_DEFAULT_REGION": gateway.meta.region_name,
        }
        return subprocess.run(
            [sys.executable, str(SCRIPT), *options],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_healthy_stack_passes_and_the_upload_is_found(smoke, stack):
    done = smoke()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "All checks passed"
    assert any(line.startswith("uploaded: s3://reviewlens-raw/uploads/smoke/") for line in lines)
    assert any(line.startswith("found after ") for line in lines)
    assert any(line.startswith("analysis: negative") for line in lines)


def test_read_only_uploads_nothing(smoke, stack):
    before = stack.count("SELECT count(*) FROM ingests")
    done = smoke("--read-only")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "uploaded" not in done.stdout
    assert stack.count("SELECT count(*) FROM ingests") == before


def test_a_failure_is_reported(smoke):
    done = smoke(url="http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("FAILED: /health does not respond")
    done = smoke(key_id="unknown")
    assert done.returncode == 1
    assert "FAILED: NotFoundException" in done.stdout


def test_a_missing_option_is_named():
    bare = {name: value for name, value in os.environ.items() if not name.startswith("API_")}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--read-only", "--url", "http://127.0.0.1:9"],
        env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "missing --key-id" in done.stderr
