"""Talks to a running stack as any client would: HTTP to its gateway, S3 and SQS to its AWS."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from local.aws.resources import local_client
from local.errors import LocalStackError, RefusedError
from local.names import ARTEFACT_BUCKET, QUEUES, queue_url
from local.state import RunningStack, StateFolder
from shared.errors import ReviewlensError
from shared.storage import artefacts
from shared.storage.aws_errors import AWS_ERRORS
from shared.storage.layout import embeddings_prefix, version_prefix
from shared.storage.objects import S3Store

_TIMEOUT_SECONDS = 60.0


class StackClient:
    """One running stack. Everything that goes wrong is a LocalStackError for the person."""

    def __init__(self, running: RunningStack) -> None:
        self.running = running
        self._http = httpx.Client(
            base_url=running.gateway_url, timeout=_TIMEOUT_SECONDS, trust_env=False
        )
        self.s3 = local_client("s3", running.aws_url)
        self._artefacts = S3Store(self.s3, ARTEFACT_BUCKET)

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a GET.

        Raises:
            LocalStackError: no answer, or a problem: what the service said of it (RefusedError).
        """
        return self._ask("GET", path, params=parameters or None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a POST of JSON; errors as for ``get``."""
        return self._ask("POST", path, json=dict(body))

    def report(self, ingest_id: str) -> dict[str, Any] | None:
        """What the ledger says of an ingest; None while it has not heard of it."""
        answer = self._request("GET", f"/collect/{ingest_id}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else _body(answer)

    def health(self) -> dict[str, Any]:
        """What /health says, whatever its status."""
        return _json(self._request("GET", "/health"))

    def indexed(self, ingests: Mapping[str, int]) -> bool:
        """Whether the index that answers now holds all shards of some ingests.

        Args:
            ingests: number of shards of each ingest, by id.
        """
        try:
            pointer = artefacts.current(self._artefacts, "index")
            if pointer is None:
                return not any(ingests.values())
            manifest = artefacts.read_manifest(self._artefacts, "index", pointer.version)
            body, _ = self._artefacts.get(version_prefix("index", pointer.version) + "shards.json")
            serving = self.get("/health/retrieval").get("index_version")
        except (ReviewlensError, LocalStackError):
            return False  # it is being loaded, say: whoever waits asks again
        prefix = embeddings_prefix(str(manifest.model_version))
        held = [name.removeprefix(prefix).partition("/")[0] for name in json.loads(body)]
        whole = all(held.count(ingest_id) >= shards for ingest_id, shards in ingests.items())
        return whole and serving == pointer.version

    def queues(self) -> dict[str, dict[str, int]]:
        """Messages waiting, in work and given up, for each queue."""
        sqs = local_client("sqs", self.running.aws_url)

        def count(queue: str, name: str) -> int:
            answer = sqs.get_queue_attributes(
                QueueUrl=queue_url(self.running.aws_url, queue), AttributeNames=[name]
            )
            return int(answer["Attributes"][name])

        try:
            return {
                plan.name: {
                    "waiting": count(plan.queue, "ApproximateNumberOfMessages"),
                    "in_work": count(plan.queue, "ApproximateNumberOfMessagesNotVisible"),
                    "given_up": count(plan.dead_letter_queue, "ApproximateNumberOfMessages"),
                }
                for plan in QUEUES
            }
        except AWS_ERRORS as error:
            raise LocalStackError(f"The queues do not answer ({error}).") from error

    def _ask(self, method: str, path: str, **named: Any) -> dict[str, Any]:
        return _body(self._request(method, path, **named))

    def _request(self, method: str, path: str, **named: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **named)
        except httpx.HTTPError as error:
            told = f"The stack at {self.running.gateway_url} does not answer ({error})."
            raise LocalStackError(told) from error


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: dict[str, Any] = answer.json()
    except ValueError as error:
        told = f"The stack answered {answer.status_code} without JSON."
        raise LocalStackError(told) from error
    return body


def _body(answer: httpx.Response) -> dict[str, Any]:
    body = _json(answer)
    if answer.is_error:
        # wrong input is the caller's to mend, the rest is ours
        code = 2 if answer.is_client_error else 1
        told = str(body.get("detail", body))
        raise RefusedError(told, status=answer.status_code, exit_code=code)
    return body


@contextmanager
def connected(state: StateFolder) -> Iterator[StackClient]:
    """A client of the stack that runs on a folder.

    Raises:
        LocalStackError: none runs there; says how to start one.
    """
    running = state.running()
    if running is None:
        told = f"No stack runs on {state.root}. Start one with `reviewlens up` (or `make demo`)."
        raise LocalStackError(told, exit_code=2)
    client = StackClient(running)
    try:
        yield client
    finally:
        client.close()
