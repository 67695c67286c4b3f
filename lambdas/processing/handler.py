"""Lambda entry of processing: shards by queue, HTTP by API Gateway."""

from collections.abc import Sequence

from lambdas.processing.api import create_app
from lambdas.processing.dependencies import build_dependencies
from lambdas.processing.service import Processor
from lambdas.processing.settings import ProcessingSettings
from shared.http.entry import SqsRecord, make_handler, run_each
from shared.schemas.messages import ProcessShard


def _batch(records: Sequence[SqsRecord]) -> list[str]:
    processor = Processor(build_dependencies(ProcessingSettings()))
    return run_each(
        records, lambda record: processor.process(ProcessShard.model_validate_json(record.body))
    )


handler = make_handler(create_app, batch=_batch)
