"""The functions behind queues, and the sweep, as a service."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.names import QUEUES
from local.services.server import health_application, serve
from local.services.traces import traces
from local.stack.worker import Worker, readiness
from shared.errors import ReviewlensError
from shared.observability.logs import configure_logging
from shared.storage.clients import client

_SWEEP_SECONDS = 300.0


def serve_worker(host: str, port: int, *, is_alone: bool) -> int:
    """Work until the process is asked to stop, and complete what is in work then.

    Args:
        host: address of the health route.
        port: port of the health route.
        is_alone: see ``Worker``.

    Returns:
        The exit status.

    Raises:
        ReviewlensError: a variable is missing; names it.
    """
    configure_logging("worker", os.environ.get("REVIEWLENS_LOG_LEVEL", "INFO"))
    with traces("worker"):
        urls = {
            plan.name: _variable(f"REVIEWLENS_{plan.name.upper()}_QUEUE_URL") for plan in QUEUES
        }
        worker = _worker(urls, is_alone=is_alone)

        def problem() -> str | None:
            return None if worker.is_alive else "a thread of the worker has ended"

        application = health_application(
            "worker", start=worker.start, stop=worker.stop, problem=problem
        )

        def count(registry: Any) -> Callable[[], None]:
            from local.services.queue_metrics import QueueMetrics  # an extra

            return QueueMetrics(client("sqs"), urls, worker.oldest_sent).start(registry)

        return serve(application, host, port, name="worker", more_metrics=count)


def _worker(urls: Mapping[str, str], *, is_alone: bool) -> Worker:
    return Worker(
        client("sqs"),
        urls,
        sweep_seconds=float(os.environ.get("REVIEWLENS_SWEEP_SECONDS", _SWEEP_SECONDS)),
        is_ready=readiness(Path(_variable("REVIEWLENS_CACHE_DIR"))),
        is_alone=is_alone,
    )


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ReviewlensError(f"{name} is not set")
    return value
