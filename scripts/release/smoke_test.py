"""Test a deployment: health, an upload that becomes searchable, an analysis.

    python scripts/release/smoke_test.py [--read-only] [--url …] [--key-id …] [--bucket …]
                                         [--role …]

The options default to API_URL, API_KEY_ID, RAW_BUCKET and SMOKE_ROLE_ARN, outputs of the
environment's stacks. The exit status is 0 if everything works; otherwise it is 1, and the last line
describes the failure. Needs only Python and boto3.
"""

import argparse
import gzip
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.paths import ROOT

SAMPLE = ROOT / "samples" / "reviews.jsonl.gz"
PREFIX = "uploads/smoke/"
_SAMPLE_ROWS = 5
_PAUSE_SECONDS = 5.0
_REQUEST_TIMEOUT_SECONDS = 35.0
"""Longer than API Gateway's timeout of 29 s."""
_RETRYABLE = frozenset({403, 429, 502, 503, 504})
"""403: it takes a while until a new API key is active everywhere."""
_TEXT = "The latch of my {marker} snapped on the second day, and nobody answers my letters."


class SmokeError(Exception):
    """A failed check, with a message for the log."""


@dataclass(frozen=True)
class Api:
    """The API with a key; ``wait_seconds`` is how long to wait for an expected response."""

    url: str
    key: str
    wait_seconds: float

    def request(self, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a GET, or of a POST if there is a body.

        Raises:
            SmokeError: there is no response, or it is not JSON.
        """
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-api-key": self.key, "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_REQUEST_TIMEOUT_SECONDS) as response:
                return response.status, _parse(path, response.read())
        except urllib.error.HTTPError as error:
            return error.code, _parse(path, error.read())
        except OSError as error:
            raise SmokeError(f"{path} does not respond: {error}") from error

    def wait_for(
        self, path: str, body: Any, accept: Callable[[dict[str, Any]], bool], goal: str
    ) -> dict[str, Any]:
        """Repeat a request until ``accept`` is true for its response.

        Raises:
            SmokeError: the request is rejected, or there is no accepted response in time.
        """
        deadline = time.monotonic() + self.wait_seconds
        while True:
            status, response = self.request(path, body)
            if status == 200 and accept(response):
                return response
            if status != 200 and status not in _RETRYABLE:
                raise SmokeError(f"{path} answers {status}: {_shorten(response)}")
            if time.monotonic() > deadline:
                raise SmokeError(
                    f"{goal}: not within {self.wait_seconds:.0f} s;"
                    f" last response {status}: {_shorten(response)}"
                )
            time.sleep(_PAUSE_SECONDS)


def upload(s3: Any, bucket: str, marker: str) -> str:
    """Upload a small dump of sample reviews and one review of a product named ``marker``."""
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
        rows = [json.loads(next(lines)) for _ in range(_SAMPLE_ROWS)]
    rows.append(
        rows[0]
        | {"asin": marker, "parent_asin": marker, "user_id": f"smoke-{marker}", "rating": 1.0}
        | {"title": f"About {marker}", "text": _TEXT.format(marker=marker)}
        | {"product_title": f"Smoke test {marker}", "timestamp": int(time.time() * 1000)}
    )
    key = f"{PREFIX}{marker}.jsonl.gz"
    text = "".join(json.dumps(row) + "\n" for row in rows)
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(text.encode()))
    return key


def check_health(api: Api, *, strict: bool) -> None:
    """Check that /health responds and, if strict, that its status is ok."""
    health = api.wait_for(
        "/health", None, lambda h: not strict or h.get("status") == "ok", "health is ok"
    )
    log(
        f"health: {health.get('status')}, model {health.get('model_version')}, "
        f"index {health.get('index_version')}"
    )


def check_ingest(api: Api, s3: Any, bucket: str) -> None:
    """Check that a review that was just uploaded becomes searchable."""
    marker = f"SMOKE-{secrets.token_hex(6).upper()}"
    log(f"uploaded: s3://{bucket}/{upload(s3, bucket, marker)}")
    query = {
        "query_text": _TEXT.format(marker=marker),
        "top_k": 1,
        "filters": {"product_id": marker},
    }
    started = time.monotonic()
    response = api.wait_for(
        "/search_similar",
        query,
        lambda r: any(row.get("product_id") == marker for row in r.get("results", [])),
        "/search_similar finds the uploaded review",
    )
    seconds = time.monotonic() - started
    similarity = response["results"][0]["similarity_score"]
    log(f"found after {seconds:.0f} s, similarity {similarity:.2f}")


def check_analysis(api: Api) -> None:
    """Check that a complaint is classified as negative."""
    text = "It broke on the first day and the shop refused to take it back. A waste of money."
    analysis = api.wait_for("/analyze", {"query_text": text}, lambda _: True, "/analyze answers")
    sentiment = analysis.get("sentiment")
    if sentiment != "negative":
        message = f"/analyze classifies a complaint as {sentiment}: {_shorten(analysis)}"
        raise SmokeError(message)
    log(f"analysis: {sentiment}, confidence {analysis['confidence']:.2f}")


def api_key(session: Any, key_id: str) -> str:
    """The value of an API key."""
    response = session.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)
    value: str = response["value"]
    return value


def session_in_role(role_arn: str | None) -> Any:
    """A boto3 session, with the credentials of a role if there is one."""
    session = boto3.Session()
    if not role_arn:
        return session
    response = session.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="smoke-test")
    credentials = response["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=session.region_name,
    )


def log(text: str) -> None:
    """Print a line of progress immediately."""
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; returns the exit status."""
    options = _options(arguments)
    try:
        session = session_in_role(options.role)
        api = Api(options.url, api_key(session, options.key_id), options.wait)
        check_health(api, strict=False)
        if not options.read_only:
            check_ingest(api, session.client("s3"), options.bucket)
            check_health(api, strict=True)
        check_analysis(api)
    except SmokeError as error:
        log(f"FAILED: {error}")
        return 1
    except Exception as error:  # noqa: BLE001 - an error of AWS is a failed check as well
        log(f"FAILED: {type(error).__name__}: {error}")
        return 1
    log("All checks passed")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Test a deployment.")
    parser.add_argument("--url", default=os.environ.get("API_URL"))
    parser.add_argument("--key-id", default=os.environ.get("API_KEY_ID"))
    parser.add_argument("--bucket", default=os.environ.get("RAW_BUCKET"))
    parser.add_argument("--role", default=os.environ.get("SMOKE_ROLE_ARN"))
    parser.add_argument("--wait", type=float, default=900.0, metavar="SECONDS")
    parser.add_argument("--read-only", action="store_true", help="upload nothing")
    options = parser.parse_args(arguments)
    required = ["url", "key_id", *([] if options.read_only else ["bucket"])]
    if missing := [name for name in required if not getattr(options, name)]:
        parser.error(f"missing --{', --'.join(missing)}".replace("_", "-"))
    return options


def _parse(path: str, body: bytes) -> dict[str, Any]:
    try:
        response: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise SmokeError(f"the response of {path} is not JSON: {body[:200]!r}") from error
    return response


def _shorten(response: dict[str, Any]) -> str:
    return json.dumps(response)[:500]


if __name__ == "__main__":
    sys.exit(main())
