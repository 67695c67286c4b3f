"""Lambda entry of retrieval: index builds from a queue, and HTTP."""

from collections.abc import Sequence

from lambdas.retrieval.api import create_app
from lambdas.retrieval.builds import build_batch
from lambdas.retrieval.dependencies import build_dependencies
from shared.http.batches import SqsRecord
from shared.http.entry import make_handler


def _batch(records: Sequence[SqsRecord]) -> list[str]:
    return build_batch(build_dependencies(), records)


def _warm() -> None:
    build_dependencies().state.refresh()


def _settle(seconds: float) -> None:
    build_dependencies().state.settle(seconds)


handler = make_handler(create_app, batch=_batch, warm=_warm, settle=_settle)
