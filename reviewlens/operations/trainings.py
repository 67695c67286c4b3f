"""Trainings: start, follow, stop."""

from typing import Any

from reviewlens.calls import Call, get, start
from shared.schemas.training import TrainAccepted, TrainingStatus

_ROUTE = "/status/{training_id}"


def train(
    *,
    model_name: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    idempotency_key: str | None = None,
) -> Call[TrainAccepted]:
    """Start a training, unless the same request has started one that is not done yet.

    Args:
        model_name: a public encoder as ``name@commit``, or the name of a registered folder.
        epochs: passes over the reviews, 1 to 20.
        batch_size: reviews per step, 1 to 512.
        learning_rate: peak learning rate of the encoder.
        idempotency_key: a repetition with the same key starts nothing, so the call is retried.
    """
    fields: dict[str, Any] = {
        "model_name": model_name,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    body = {name: value for name, value in fields.items() if value is not None}
    if idempotency_key is None:
        return start(TrainAccepted, "/train", body)
    headers = {"idempotency-key": idempotency_key}
    return start(TrainAccepted, "/train", body, headers=headers, repeatable=True)


def training(training_id: str) -> Call[TrainingStatus]:
    """State of a training: epoch, metrics so far, outcome."""
    return get(TrainingStatus, _ROUTE, {"training_id": training_id})


def cancel_training(training_id: str) -> Call[TrainingStatus]:
    """Stop a training; its state is ``cancelled`` as soon as its job has ended."""
    segments = {"training_id": training_id}
    return start(TrainingStatus, f"{_ROUTE}/cancel", segments=segments)
