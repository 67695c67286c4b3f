"""Requests and responses of training."""

import json
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.api import RequestBody
from shared.schemas.encoders import DEFAULT_ENCODER, ENCODER_NAME
from shared.schemas.values import NUMBER, Integer

TRAINING_ID = r"^train_[0-9]{8}_[0-9]{3,6}$"


class TrainingState(StrEnum):
    """State of a run. ``started``: requested, not training yet (an instance is starting)."""

    STARTED = "started"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self not in (TrainingState.STARTED, TrainingState.RUNNING)


class TrainingParameters(BaseModel):
    """Parameters of a run."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: Annotated[str, Field(pattern=ENCODER_NAME)] = Field(
        DEFAULT_ENCODER,
        description="the default encoder, a public one as name@commit, or a registered folder",
    )
    epochs: Integer = Field(3, ge=1, le=20)
    batch_size: Integer = Field(32, ge=1, le=512, description="texts per step")
    learning_rate: Annotated[
        float,
        Field(ge=1e-7, le=1e-2, description="peak learning rate of the encoder"),
        NUMBER,
    ] = 2e-5


class TrainRequest(TrainingParameters, RequestBody):
    """Body of POST /train; omitted fields have the defaults shown."""

    def parameters(self) -> TrainingParameters:
        """The parameters without unknown fields."""
        names = TrainingParameters.model_fields
        return TrainingParameters(**{name: getattr(self, name) for name in names})


def fingerprint(parameters: TrainingParameters) -> str:
    """SHA-256 (hex) of the parameters: equal for equal requests."""
    body = json.dumps(parameters.model_dump(mode="json"), sort_keys=True)
    return sha256(body.encode()).hexdigest()


class TrainAccepted(BaseModel):
    """A run that was started, or an existing run with its current ``status``."""

    training_id: str = Field(examples=["train_20251016_001"])
    status: TrainingState
    estimated_completion_time: datetime
    warnings: list[str] = []


class TrainingStatus(BaseModel):
    """State of a run.

    ``epoch`` counts from 1. ``phase`` is reported by the job (SageMaker's secondary status).
    ``metrics`` contains the latest value of each metric. ``artefact_uri`` is the location of the
    trained weights of a completed job on SageMaker; ``model_version`` is the last version that was
    exported from them and registered. ``estimated_completion_time`` is null once the run has ended.
    """

    model_config = ConfigDict(protected_namespaces=())

    training_id: str
    state: TrainingState
    phase: str | None = None
    epoch: int | None = None
    step: int | None = None
    steps: int | None = None
    metrics: dict[str, float] = {}
    parameters: TrainingParameters
    artefact_uri: str | None = None
    model_version: str | None = None
    failure_reason: str | None = None
    started_at: datetime
    finished_at: datetime | None = None
    estimated_completion_time: datetime | None = None
