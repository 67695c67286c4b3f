"""Requests and responses of training."""

import json
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from pydantic import ConfigDict, Field

from shared.schemas.api import RequestBody
from shared.schemas.documented import Documented
from shared.schemas.encoders import DEFAULT_ENCODER, ENCODER_NAME
from shared.schemas.fields import Warnings
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


class TrainingParameters(Documented):
    """What a run starts from and how it learns."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: Annotated[str, Field(pattern=ENCODER_NAME)] = Field(DEFAULT_ENCODER)
    """Encoder to start from: the default one, a public one with its commit as ``name@`` and 40
    hexadecimal digits, or a registered folder."""
    epochs: Integer = Field(3, ge=1, le=20)
    """How often the run reads all of the training data."""
    batch_size: Integer = Field(32, ge=1, le=512)
    """Texts per step."""
    learning_rate: Annotated[float, Field(ge=1e-7, le=1e-2), NUMBER] = 2e-5
    """Peak learning rate of the encoder."""


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


class TrainAccepted(Documented):
    """A run that was started, or the existing run of an equal request."""

    training_id: str
    """Id of the run, for GET /status/{training_id}: its day (UTC) and its number on that day."""
    status: TrainingState
    """State of the run now: ``started`` for a new one."""
    estimated_completion_time: datetime
    """When the run may end, in UTC, from the pace of earlier completed runs of the same
    encoder."""
    warnings: Warnings = Field(default_factory=list)


class TrainingStatus(Documented):
    """State of a run."""

    model_config = ConfigDict(protected_namespaces=())

    training_id: str
    """Id of the run: its day (UTC) and its number on that day."""
    state: TrainingState
    """How far the run is; it has ended with ``completed``, ``failed`` or ``cancelled``."""
    phase: str | None = None
    """What the job is doing, as it reports itself: SageMaker's secondary status. Null if it does
    not say."""
    epoch: int | None = None
    """Epoch that is running, from 1 to ``parameters.epochs``. Null before the first step."""
    step: int | None = None
    """Steps that are done, of all epochs. Null before the first one."""
    steps: int | None = None
    """Steps of the whole run, of all epochs. Null before the first one."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """Name of a metric → its latest value: the losses ``sentiment`` and ``similarity``, and from
    the end of an epoch on ``validation_loss``, ``validation_accuracy`` and
    ``validation_macro_f1``."""
    parameters: TrainingParameters
    """What the run was started with, defaults included."""
    artefact_uri: str | None = None
    """Where the trained weights of a completed job are on SageMaker. Null for any other."""
    model_version: str | None = None
    """The last version that was exported from the weights and registered. Null if none was."""
    failure_reason: str | None = None
    """Why the run failed, for a person. Null unless it did."""
    started_at: datetime
    """When the job began, in UTC; before that, when it was requested."""
    finished_at: datetime | None = None
    """When the job ended, in UTC. Null before."""
    estimated_completion_time: datetime | None = None
    """When the run may end, in UTC; once it makes progress, from its own pace. Null once it has
    ended."""
