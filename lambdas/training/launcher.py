"""What the service asks of whatever runs training jobs."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from shared.schemas.training import TrainingParameters, TrainingState

_PLACE = ("epoch", "step", "steps")
_NO_METRIC = frozenset({*_PLACE, "epochs", "seconds"})


@dataclass(frozen=True, slots=True)
class Job:
    """One job to run; ``training_id`` names it for good."""

    training_id: str
    parameters: TrainingParameters

    def hyperparameters(self, model_name: str) -> dict[str, Any]:
        """Options of ``sagemaker_jobs.train``, by name; the encoder as the job will find it."""
        asked = self.parameters
        return {
            "model-name": model_name,
            "epochs": asked.epochs,
            "batch-size": asked.batch_size,
            "learning-rate": asked.learning_rate,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: ``epoch`` from 1, ``seconds`` since its first step.

    ``phase`` is the launcher's own word for what the job does now. ``artefact_uri``: where the
    trained weights lie, once they do; a model version is made of them by an export.
    """

    phase: str | None = None
    epoch: int | None = None
    step: int | None = None
    steps: int | None = None
    seconds: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    artefact_uri: str | None = None

    @property
    def seconds_left(self) -> float | None:
        """What the steps to come take at the pace so far; None where that is not known yet."""
        if not (self.step and self.steps and self.seconds):
            return None
        return max(0.0, self.seconds * (self.steps - self.step) / self.step)


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a job."""

    state: TrainingState
    progress: Progress = field(default_factory=Progress)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    model_version: str | None = None
    failure_reason: str | None = None


class Launcher(Protocol):
    """Runs training jobs. A job that was started can be asked for by any process later."""

    name: str

    def ready(self) -> None:
        """Raise where no job could be started now.

        Raises:
            ConflictError: others run, and it takes no more.
            UnavailableError: something is missing; says what.
        """

    def encoders(self) -> Collection[str]:
        """Names of the registered encoders."""

    def rows(self) -> int:
        """Reviews of an epoch."""

    def start(self, job: Job) -> None:
        """Start a job; one that was started already is left alone.

        Raises:
            ConflictError: others run, and it takes no more.
            UnavailableError: it cannot be started.
        """

    def report(self, training_id: str) -> Report | None:
        """What is known of a job; None where it is unknown.

        Raises:
            UnavailableError: nobody can tell now.
        """

    def stop(self, training_id: str) -> None:
        """Ask a job to end soon. One that has ended, or is unknown, is no error."""


def progress_of(values: Mapping[str, Any], phase: str | None = None) -> Progress:
    """Read what a job says of itself: where it is, and every other finite number as a metric."""
    numbers = {
        name[:100]: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    epoch, step, steps = (None if name not in numbers else int(numbers[name]) for name in _PLACE)
    return Progress(
        phase=phase,
        epoch=None if epoch is None else epoch + 1,  # the job counts from 0
        step=step,
        steps=steps,
        seconds=numbers.get("seconds"),
        metrics={name: value for name, value in numbers.items() if name not in _NO_METRIC},
    )
