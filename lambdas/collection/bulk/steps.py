"""The steps of the state machine in cdk/flows/collection.asl.json."""

import time
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lambdas.collection.bulk.finish import finish
from lambdas.collection.bulk.plan import plan
from lambdas.collection.bulk.ranges import Item, Job
from lambdas.collection.bulk.read import read_range
from lambdas.collection.dependencies import Dependencies
from shared.db.ingest.bulk import record_time
from shared.errors import UnavailableError
from shared.schemas.invocations import refusing_invalid_events


class _ObjectStep(BaseModel):
    """A step for the whole object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["plan", "finish"]
    job: Job


class _RangeStep(BaseModel):
    """A step for one range of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["read"]
    item: Item


_STEP: TypeAdapter[_ObjectStep | _RangeStep] = TypeAdapter(
    Annotated[_ObjectStep | _RangeStep, Field(discriminator="step")]
)


def run_step(dependencies: Dependencies, event: dict[str, Any]) -> dict[str, Any]:
    """Run one step.

    Raises:
        InvalidInputError: the event is invalid; names the field.
        ReviewlensError: the step failed. The state machine retries if the error is that something
            is unavailable or in conflict.
        PlanOutdatedError: a range no longer holds.
    """
    with refusing_invalid_events():
        step = _STEP.validate_python(event)
    started = time.monotonic()
    job = step.item.job if isinstance(step, _RangeStep) else step.job
    try:
        if isinstance(step, _RangeStep):
            return read_range(dependencies, step.item)
        return plan(dependencies, job) if step.step == "plan" else finish(dependencies, job)
    finally:
        seconds = time.monotonic() - started
        with suppress(UnavailableError):  # the figure is for information
            record_time(dependencies.database, job.ingest_id, seconds * dependencies.memory_gb)
