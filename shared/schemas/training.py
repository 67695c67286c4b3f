"""The wire contract of training: what a run is asked for, and what is told of it."""

import json
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.api import RequestBody

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
KNOWN_ENCODERS = frozenset(
    {
        DEFAULT_ENCODER,
        "sentence-transformers/all-MiniLM-L6-v2",
        "microsoft/MiniLM-L12-H384-uncased",
        "distilbert-base-uncased",
        "bert-base-uncased",
    }
)
"""Public encoders that may be asked for by name, beside the folders that the operator registers."""

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
TRAINING_ID = r"^train_[0-9]{8}_[0-9]{3,6}$"


class TrainingState(StrEnum):
    """Life of a run. ``started``: asked for, not training yet (an instance starts, say)."""

    STARTED = "started"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (TrainingState.STARTED, TrainingState.RUNNING)


class TrainingParameters(BaseModel):
    """What a run is made with."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: Annotated[str, Field(pattern=rf"^{_PART}(/{_PART})?$")] = Field(
        DEFAULT_ENCODER, description="a known encoder, or the name of a registered folder"
    )
    epochs: int = Field(3, ge=1, le=20)
    batch_size: int = Field(32, ge=1, le=512, description="texts per step")
    learning_rate: float = Field(
        2e-5, ge=1e-7, le=1e-2, allow_inf_nan=False, description="of the encoder, at its peak"
    )


class TrainRequest(TrainingParameters, RequestBody):
    """Body of POST /train; what is left out has the defaults shown."""

    def parameters(self) -> TrainingParameters:
        """The known fields alone."""
        known = TrainingParameters.model_fields
        return TrainingParameters(**{name: getattr(self, name) for name in known})


def fingerprint(parameters: TrainingParameters) -> str:
    """SHA-256 (hex) by which two requests are known to ask for the same."""
    body = json.dumps(parameters.model_dump(mode="json"), sort_keys=True)
    return sha256(body.encode()).hexdigest()


class TrainAccepted(BaseModel):
    """A run that was started, or is there already (``status`` then says where it stands)."""

    training_id: str = Field(examples=["train_20251016_001"])
    status: TrainingState
    estimated_completion_time: datetime
    warnings: list[str] = []


class TrainingStatus(BaseModel):
    """Where a run stands.

    ``epoch`` counts from 1. ``phase`` is what the job itself says it does (SageMaker's secondary
    status). ``metrics`` holds the newest value of each. ``artefact_uri`` says where the trained
    weights lie once a job on SageMaker is completed; ``model_version`` is the version that was
    exported from them last and registered. ``estimated_completion_time`` is null once the run has
    ended.
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
