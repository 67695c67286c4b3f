"""Lambda entry of the retrieval service: its routes, and the index queue."""

from collections.abc import Sequence

from lambdas.retrieval import service
from lambdas.retrieval.api import create_app
from lambdas.retrieval.dependencies import build_dependencies
from lambdas.retrieval.settings import RetrievalSettings
from shared.http.entry import SqsRecord, make_handler


def _batch(records: Sequence[SqsRecord]) -> list[str]:
    return service.build_batch(build_dependencies(RetrievalSettings()), records)


def _warm() -> None:
    build_dependencies(RetrievalSettings()).state.refresh()


handler = make_handler(create_app, batch=_batch, warm=_warm)
