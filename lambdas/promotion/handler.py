"""Lambda entry of promotion: one step of the flow in cdk/flows/training.asl.json."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lambdas.promotion.dependencies import build_dependencies
from lambdas.promotion.service import Promotion
from shared.schemas.invocations import refusing_invalid_events

_JOB_NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"


class Step(BaseModel):
    """An event of the state machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    step: Literal[
        "look_at_training", "start_candidate", "look_at_job", "register", "start_activation"
    ]
    training_job: str = Field(pattern=r"^([a-z0-9-]{1,30}-)?train-[0-9]{8}-[0-9]{3,6}$")
    job: str = Field("", pattern=rf"^$|{_JOB_NAME}")
    version: str = ""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's form
    """Run one step.

    Raises:
        InvalidInputError: the event is invalid; names the field.
        ReviewlensError: the step failed. The state machine retries if the error is that something
            is unavailable or in conflict, and otherwise fails with the message.
    """
    with refusing_invalid_events():
        step = Step.model_validate(event)
    promotion = Promotion(build_dependencies())
    match step.step:
        case "look_at_training":
            return promotion.look_at_training(step.training_job)
        case "start_candidate":
            return promotion.start_candidate(step.training_job)
        case "look_at_job":
            return promotion.look_at_job(step.job)
        case "register":
            return promotion.register(step.training_job)
        case "start_activation":
            return promotion.start_activation(step.training_job, step.version)
