"""Ask a deployment whether it does its work: health, a new review that is found, an analysis.

    python scripts/release/smoke_test.py [--read-only] [--url …] [--key-id …] [--bucket …]
                                         [--role …]

What the options leave out comes from API_URL, API_KEY_ID, RAW_BUCKET and SMOKE_ROLE_ARN, outputs of
the environment's stacks. Exit status 0 where all of it works; else 1, and the last line
says what did not. Needs boto3 and nothing else beside Python.
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

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "reviews.jsonl.gz"
PREFIX = "uploads/smoke/"
_SAMPLE_ROWS = 5
_PAUSE_SECONDS = 5.0
_REQUEST_SECONDS = 35.0
"""Above the 29 s after which API Gateway gives up."""
_TRY_AGAIN = frozenset({403, 429, 502, 503, 504})
"""403: a new API key is not known everywhere at once."""
_TEXT = "The latch of my {marker} snapped on the second day, and nobody answers my letters."


class SmokeError(Exception):
    """What does not work, for the person who reads the log."""


@dataclass(frozen=True)
class Api:
    """The API with a key; ``wait_seconds`` is how long it may take to get ready."""

    url: str
    key: str
    wait_seconds: float

    def ask(self, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a GET, or of a POST where there is a body.

        Raises:
            SmokeError: nobody answers, or not in JSON.
        """
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-api-key": self.key, "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as answer:
                return answer.status, _json(path, answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _json(path, error.read())
        except OSError as error:
            raise SmokeError(f"{path} does not answer: {error}") from error

    def until(
        self, path: str, body: Any, there: Callable[[dict[str, Any]], bool], what: str
    ) -> dict[str, Any]:
        """Ask until the answer is there.

        Raises:
            SmokeError: it is refused, or not there in time; says the last answer.
        """
        deadline = time.monotonic() + self.wait_seconds
        while True:
            status, told = self.ask(path, body)
            if status == 200 and there(told):
                return told
            if status != 200 and status not in _TRY_AGAIN:
                raise SmokeError(f"{path} answers {status}: {_short(told)}")
            if time.monotonic() > deadline:
                last = f"{status}: {_short(told)}"
                raise SmokeError(f"{what}: not within {self.wait_seconds:.0f} s; last {last}")
            time.sleep(_PAUSE_SECONDS)


def upload(s3: Any, bucket: str, marker: str) -> str:
    """Put a small dump: a few sample reviews, and one of a product that is called as the marker."""
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
    """It answers; strictly, all of it is well within the time that it has."""
    told = api.until(
        "/health", None, lambda told: not strict or told.get("status") == "ok", "health is ok"
    )
    say(
        f"health: {told.get('status')}, model {told.get('model_version')}, "
        f"index {told.get('index_version')}"
    )


def check_ingest(api: Api, s3: Any, bucket: str) -> None:
    """A review that was just uploaded is found."""
    marker = f"SMOKE-{secrets.token_hex(6).upper()}"
    say(f"uploaded: s3://{bucket}/{upload(s3, bucket, marker)}")
    question = {
        "query_text": _TEXT.format(marker=marker),
        "top_k": 1,
        "filters": {"product_id": marker},
    }
    began = time.monotonic()
    found = api.until(
        "/search_similar",
        question,
        lambda told: any(row.get("product_id") == marker for row in told.get("results", [])),
        "the uploaded review is found by /search_similar",
    )
    seconds = time.monotonic() - began
    say(f"found after {seconds:.0f} s, similarity {found['results'][0]['similarity_score']:.2f}")


def check_analysis(api: Api) -> None:
    """A plain complaint is negative."""
    text = "It broke on the first day and the shop refused to take it back. A waste of money."
    told = api.until("/analyze", {"query_text": text}, lambda _: True, "/analyze answers")
    if told.get("sentiment") != "negative":
        raise SmokeError(f"/analyze takes a complaint for {told.get('sentiment')}: {_short(told)}")
    say(f"analysis: {told['sentiment']}, confidence {told['confidence']:.2f}")


def api_key(session: Any, key_id: str) -> str:
    """The value of an API key, by its id."""
    found = session.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)
    value: str = found["value"]
    return value


def in_role(role_arn: str | None) -> Any:
    """A boto3 session, under a role where one is named."""
    session = boto3.Session()
    if not role_arn:
        return session
    found = session.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="smoke-test")
    given = found["Credentials"]
    return boto3.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        region_name=session.region_name,
    )


def say(text: str) -> None:
    """One line of progress, at once."""
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; returns the exit status."""
    options = _options(arguments)
    try:
        session = in_role(options.role)
        api = Api(options.url, api_key(session, options.key_id), options.wait)
        check_health(api, strict=False)
        if not options.read_only:
            check_ingest(api, session.client("s3"), options.bucket)
            check_health(api, strict=True)
        check_analysis(api)
    except SmokeError as error:
        say(f"FAILED: {error}")
        return 1
    except Exception as error:  # noqa: BLE001 - AWS refuses something: that is a result as well
        say(f"FAILED: {type(error).__name__}: {error}")
        return 1
    say("All of it works")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask a deployment whether it does its work.")
    parser.add_argument("--url", default=os.environ.get("API_URL"))
    parser.add_argument("--key-id", default=os.environ.get("API_KEY_ID"))
    parser.add_argument("--bucket", default=os.environ.get("RAW_BUCKET"))
    parser.add_argument("--role", default=os.environ.get("SMOKE_ROLE_ARN"))
    parser.add_argument("--wait", type=float, default=900.0, metavar="SECONDS")
    parser.add_argument("--read-only", action="store_true", help="upload nothing")
    options = parser.parse_args(arguments)
    needed = ["url", "key_id", *([] if options.read_only else ["bucket"])]
    if missing := [name for name in needed if not getattr(options, name)]:
        parser.error(f"--{', --'.join(missing)} not given".replace("_", "-"))
    return options


def _json(path: str, body: bytes) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise SmokeError(f"{path} does not answer in JSON: {body[:200]!r}") from error
    return told


def _short(told: dict[str, Any]) -> str:
    return json.dumps(told)[:500]


if __name__ == "__main__":
    sys.exit(main())
