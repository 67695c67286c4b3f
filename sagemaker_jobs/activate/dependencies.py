"""Adapters and callbacks of an activation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sagemaker_jobs.score.reuse import Reuse, open_reuse
from sagemaker_jobs.score.scoring import Dependencies
from shared.runtime.loader import open_version
from shared.scoring.stored import VersionedEncoder
from shared.storage.queues import MessageQueue

StepCallback = Callable[[str], None]
"""Called with a short description of each step."""


@dataclass(frozen=True)
class ActivationDependencies(Dependencies):
    """Adapters that activation and rollback work with."""

    processing_queue: MessageQueue
    cache_dir: Path
    threads: int = 1
    refresh_seconds: float = 5.0
    picture_sha256: str | None = None
    """Hash of the graph of the picture model that answers requests; None: it is not known."""

    def open_model(self, version: str) -> VersionedEncoder:
        """Fetch, verify and open a version."""
        return open_version(self.artefacts, version, self.cache_dir, threads=self.threads)

    def open_reuse(self, version: str) -> Reuse | None:
        """The version to derive scores from; None if ``version`` has embeddings of its own."""
        return open_reuse(self.artefacts, version, self.cache_dir)


def ignore_step(_step: str) -> None:
    """Ignore progress."""
