"""Dependencies of processing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from lambdas.processing.settings import ProcessingSettings
from shared.db.access import open_database
from shared.db.connection import Database
from shared.db.ingest.ledger import Ledger
from shared.errors import NotFoundError
from shared.observability.logs import configure_logging
from shared.runtime.cascade import SecondModel
from shared.runtime.scoring import Encodings
from shared.schemas.decisions import Decisions
from shared.schemas.ingest import MAX_SHARD_ATTEMPTS
from shared.scoring.stored import VersionedEncoder
from shared.storage.events import EventBus
from shared.storage.objects import ObjectStore
from shared.storage.queues import MessageQueue


class TextEncoder(Protocol):
    """The part of a model that processing uses."""

    @property
    def decisions(self) -> Decisions:
        """Its rules for labels."""

    def encode(self, texts: Sequence[str]) -> Encodings:
        """Encode texts, in their order."""


class Model(NamedTuple):
    """A loaded encoder, its artefact version, and how many calls can run in parallel.

    ``problem`` says why the current version cannot be used, if an older one is used instead.
    """

    encoder: TextEncoder
    version: str
    parallel: int = 1
    problem: str | None = None


def _no_model(version: str) -> tuple[VersionedEncoder, int]:
    raise NotFoundError(f"there is no model {version}")


@dataclass(frozen=True)
class Dependencies:
    """Adapters of the processing service; ``current_model`` loads the current model."""

    database: Database
    ledger: Ledger
    clean: ObjectStore
    artefacts: ObjectStore
    processing_queue: MessageQueue
    index_queue: MessageQueue
    current_model: Callable[[], Model]
    second: SecondModel | None = None
    """The second model of a cascade."""
    cache_dir: Path | None = None
    """Folder of downloaded versions, from which a damaged model is written again."""
    max_shard_attempts: int = MAX_SHARD_ATTEMPTS
    events: EventBus | None = None
    """Gets the events of finished ingests; None: they are only logged."""
    open_model: Callable[[str], tuple[VersionedEncoder, int]] = _no_model
    """Opens a published model, and says how many of its calls can run in parallel."""
    rescoring_shards: int = 1
    """Stored shards from which a new model scores them side by side."""


@cache
def build_dependencies() -> Dependencies:
    """Build the AWS, PostgreSQL and model adapters once per process, from the environment."""
    from shared.runtime.loader import second_model
    from shared.runtime.threads import encoder_threads
    from shared.storage.clients import client
    from shared.storage.events import open_event_bus
    from shared.storage.objects import S3Store
    from shared.storage.queues import SqsQueue

    settings = ProcessingSettings()
    configure_logging("processing", settings.log_level)
    s3, sqs = client("s3"), client("sqs")
    database = open_database(settings)
    artefacts = S3Store(s3, settings.artefact_bucket)
    return Dependencies(
        database=database,
        ledger=Ledger(database),
        clean=S3Store(s3, settings.clean_bucket),
        artefacts=artefacts,
        processing_queue=SqsQueue(sqs, settings.processing_queue_url),
        index_queue=SqsQueue(sqs, settings.index_queue_url),
        current_model=_model_loader(settings, artefacts),
        second=second_model(
            settings.second_model,
            settings.second_model_below,
            artefacts,
            settings.cache_dir,
            threads=encoder_threads(settings.encoder_threads),
        ),
        cache_dir=settings.cache_dir,
        max_shard_attempts=settings.max_shard_attempts,
        events=open_event_bus(settings.event_bus, settings.environment),
        open_model=_version_opener(settings, artefacts),
        rescoring_shards=settings.rescoring_shards,
    )


def _version_opener(
    settings: ProcessingSettings, artefacts: ObjectStore
) -> Callable[[str], tuple[VersionedEncoder, int]]:
    from shared.runtime.loader import open_version
    from shared.runtime.threads import cores, encoder_threads

    threads = encoder_threads(settings.encoder_threads)

    @lru_cache(maxsize=1)
    def open_one(version: str) -> tuple[VersionedEncoder, int]:
        encoder = open_version(artefacts, version, settings.cache_dir, threads=threads)
        return encoder, max(1, cores() // threads)

    return open_one


def _model_loader(settings: ProcessingSettings, artefacts: ObjectStore) -> Callable[[], Model]:
    from shared.runtime.loader import ModelLoader
    from shared.runtime.threads import cores, encoder_threads

    threads = encoder_threads(settings.encoder_threads)
    loader = ModelLoader(
        artefacts,
        settings.cache_dir,
        threads=threads,
        refresh_seconds=settings.pointer_refresh_seconds,
    )

    def current() -> Model:
        encoder = loader.encoder()
        return Model(encoder, encoder.version, max(1, cores() // threads), loader.problem)

    return current
