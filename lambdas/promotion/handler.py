"""Lambda entry of promotion: one step of the flow in cdk/flows/training.asl.json."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambdas.promotion.dependencies import build_dependencies
from lambdas.promotion.service import Promotion
from lambdas.promotion.settings import PromotionSettings
from shared.errors import InvalidInputError

_NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"


class Step(BaseModel):
    """What the state machine asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    step: Literal[
        "look_at_training", "start_candidate", "look_at_job", "register", "start_activation"
    ]
    training_job: str = Field(pattern=r"^([a-z0-9-]{1,30}-)?train-[0-9]{8}-[0-9]{3,6}$")
    job: str = Field("", pattern=rf"^$|{_NAME}")
    version: str = ""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's form
    """Do one step.

    Raises:
        InvalidInputError: the event is none; names the field.
        ReviewlensError: the step failed. The state machine tries again what is unavailable or in
            conflict, and shows the message of the rest.
    """
    try:
        asked = Step.model_validate(event)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "event"
        raise InvalidInputError(f"{field}: {first['msg']}", details={"field": field}) from error
    promotion = Promotion(build_dependencies(PromotionSettings()))
    match asked.step:
        case "look_at_training":
            return promotion.look_at_training(asked.training_job)
        case "start_candidate":
            return promotion.start_candidate(asked.training_job)
        case "look_at_job":
            return promotion.look_at_job(asked.job)
        case "register":
            return promotion.register(asked.training_job)
        case "start_activation":
            return promotion.start_activation(asked.training_job, asked.version)
