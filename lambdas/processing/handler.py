"""Lambda entry of processing: shards from a queue, steps of a flow, the check, and HTTP."""

from collections.abc import Sequence
from typing import Any

from lambdas.processing.api import create_app
from lambdas.processing.dependencies import build_dependencies
from lambdas.processing.healing import heal
from lambdas.processing.rescoring import run_step
from lambdas.processing.service import Processor
from shared.http.batches import SqsRecord, run_each
from shared.http.entry import make_handler
from shared.schemas.messages import ProcessShard


def _batch(records: Sequence[SqsRecord]) -> list[str]:
    processor = Processor(build_dependencies())

    def process(record: SqsRecord) -> None:
        processor.process(ProcessShard.model_validate_json(record.body))

    return run_each(records, process)


def _scheduled(_event: dict[str, Any]) -> None:
    heal(build_dependencies())


def _step(event: dict[str, Any]) -> dict[str, Any]:
    return run_step(build_dependencies(), event)


handler = make_handler(create_app, batch=_batch, scheduled=_scheduled, step=_step)
