"""A running stack: its API through the client, and its S3 and SQS."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from local.api_errors import convert_api_errors
from local.aws.resources import local_client
from local.errors import LocalStackError
from local.names import ARTEFACT_BUCKET
from local.stack.machine import read_queues
from local.state import RunningStack, StateFolder
from reviewlens import ApiError, Client, NotFoundError
from reviewlens.models import IngestDetails
from shared.errors import ReviewlensError
from shared.schemas.health import QueueState
from shared.storage import artefacts
from shared.storage.aws_errors import AWS_ERRORS
from shared.storage.layout import embeddings_prefix, version_prefix
from shared.storage.objects import S3Store

_TIMEOUT_SECONDS = 60.0
_MAX_RESPONSE_BYTES = 64 * 2**20


class StackClient:
    """One running stack; ``api`` is the client of its gateway."""

    def __init__(self, state: StateFolder, running: RunningStack) -> None:
        self.running = running
        self.api = Client(
            running.gateway_url,
            api_key=state.gateway_token(),
            timeout=_TIMEOUT_SECONDS,
            max_response_bytes=_MAX_RESPONSE_BYTES,
        )
        self.keys = state.aws_keys()
        self.s3, self._sqs = self.aws("s3"), self.aws("sqs")
        self._artefacts = S3Store(self.s3, ARTEFACT_BUCKET)

    def aws(self, service: str) -> Any:
        """A boto3 client of the local AWS."""
        return local_client(service, self.running.aws_url, self.keys)

    def close(self) -> None:
        """Close the connections."""
        self.api.close()

    def report(self, ingest_id: str) -> IngestDetails | None:
        """The report of an ingest; None before the stack knows it."""
        try:
            return self.api.ingest(ingest_id)
        except NotFoundError:
            return None

    def indexed(self, ingests: Mapping[str, int]) -> bool:
        """Whether the active index contains all shards of some ingests.

        Args:
            ingests: number of shards of each ingest, by id.
        """
        try:
            pointer = artefacts.current(self._artefacts, "index")
            if pointer is None:
                return not any(ingests.values())
            manifest = artefacts.read_manifest(self._artefacts, "index", pointer.version)
            body, _ = self._artefacts.get(version_prefix("index", pointer.version) + "shards.json")
            serving = self.api.service_health("retrieval").index_version
        except (ReviewlensError, ApiError):
            return False  # the index may be loading: callers poll
        prefix = embeddings_prefix(str(manifest.model_version))
        ids = [name.removeprefix(prefix).partition("/")[0] for name in json.loads(body)]
        is_complete = all(ids.count(ingest_id) >= shards for ingest_id, shards in ingests.items())
        return is_complete and serving == pointer.version

    def queues(self) -> dict[str, QueueState]:
        """Messages waiting, in work and given up, for each queue."""
        try:
            return read_queues(self._sqs, self.running.aws_url)
        except AWS_ERRORS as error:
            raise LocalStackError(f"The queues do not respond ({error}).") from error

    def has_work(self) -> bool:
        """Whether a queue has messages that are waiting or in work."""
        return any(queue.waiting or queue.in_work for queue in self.queues().values())


@contextmanager
def connected(state: StateFolder) -> Iterator[StackClient]:
    """A client of the stack that runs on a folder.

    Raises:
        LocalStackError: no stack runs there, or its API returns an error in the block.
    """
    running = state.require_running()
    client = StackClient(state, running)
    try:
        with convert_api_errors(running.gateway_url):
            yield client
    finally:
        client.close()
