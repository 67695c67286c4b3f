"""The interface of launchers, which run training jobs."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from shared.schemas.training import TrainingParameters, TrainingState

_POSITION_FIELDS = ("epoch", "step", "steps")
_NON_METRIC_FIELDS = frozenset({*_POSITION_FIELDS, "epochs", "seconds"})


@dataclass(frozen=True, slots=True)
class Job:
    """A job to run; ``training_id`` is its permanent id."""

    training_id: str
    parameters: TrainingParameters

    def hyperparameters(self, model_name: str) -> dict[str, Any]:
        """Options of ``sagemaker_jobs.train`` by name; ``model_name`` is the encoder in the job."""
        return {
            "model-name": model_name,
            "epochs": self.parameters.epochs,
            "batch-size": self.parameters.batch_size,
            "learning-rate": self.parameters.learning_rate,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a job: ``epoch`` counts from 1, ``seconds`` from its first step.

    ``phase`` is the launcher's name for the current activity. ``artefact_uri`` is the location of
    the trained weights, once they exist; an export turns them into a model version.
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
        """Estimated time of the remaining steps; None while the pace is unknown."""
        if not (self.step and self.steps and self.seconds):
            return None
        return max(0.0, self.seconds * (self.steps - self.step) / self.step)


@dataclass(frozen=True, slots=True)
class Report:
    """State of a job."""

    state: TrainingState
    progress: Progress = field(default_factory=Progress)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    model_version: str | None = None
    failure_reason: str | None = None


class Launcher(Protocol):
    """Runs training jobs. Any process can later report on a job that was started."""

    name: str

    def check_ready(self) -> None:
        """Raise if no job can be started now.

        Raises:
            ConflictError: the maximum number of jobs is running.
            UnavailableError: a requirement is missing; names it.
        """

    def encoders(self) -> Collection[str]:
        """Names of the registered encoders."""

    def count_rows(self) -> int:
        """Number of reviews per epoch."""

    def start(self, job: Job) -> None:
        """Start a job; a job that was started before is left unchanged.

        Raises:
            ConflictError: the maximum number of jobs is running.
            UnavailableError: the job cannot be started.
        """

    def report(self, training_id: str) -> Report | None:
        """Report on a job; None if it is unknown.

        Raises:
            UnavailableError: its state cannot be read now.
        """

    def stop(self, training_id: str) -> None:
        """Request that a job stops; ended and unknown jobs are ignored."""


def parse_progress(values: Mapping[str, Any], phase: str | None = None) -> Progress:
    """Parse the values that a job logs: its position, and other finite numbers as metrics."""
    numbers = {
        name[:100]: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    epoch, step, steps = (
        None if name not in numbers else int(numbers[name]) for name in _POSITION_FIELDS
    )
    return Progress(
        phase=phase,
        epoch=None if epoch is None else epoch + 1,  # the job counts from 0
        step=step,
        steps=steps,
        seconds=numbers.get("seconds"),
        metrics={name: value for name, value in numbers.items() if name not in _NON_METRIC_FIELDS},
    )
