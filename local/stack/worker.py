"""Child process that runs the functions behind queues and the scheduled sweep.

The stack runs it as ``python -m local.stack.worker``, configured by environment variables.
"""

import importlib
import json
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

from local.credentials import AwsKeys
from local.names import FUNCTION_TIMEOUT_SECONDS, QUEUES, REGION, QueuePlan, queue_url
from local.stack.event_source import Context, EventSource, Handler
from local.stack.event_source import Mapping as QueueMapping
from local.stack.lifeline import tie_to_parent
from shared.errors import ReviewlensError
from shared.observability.tracing import recorder

log = logging.getLogger(__name__)
_SWEEP_FUNCTION = "lambdas.collection.handler"
_CHECK_FUNCTION = "lambdas.processing.handler"
_FIRST_PAUSE_SECONDS = 2.0
_MIN_FREE_BYTES = 64 * 2**20


def scheduled_event(*, force: bool) -> dict[str, Any]:
    """The event that EventBridge sends to a scheduled function.

    Args:
        force: whether to queue unfinished work of any age again: true after a start, when no work
            can be in progress.
    """
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:123456789012:rule/reviewlens-sweep"],
        "detail": {"force": force},
    }


def load_handler(module: str) -> Handler:
    """The ``handler`` of a function's module."""
    handler: Handler = importlib.import_module(module).handler
    return handler


class Worker:
    """Polling threads for each queue, and one thread for the sweep."""

    def __init__(
        self,
        sqs: Any,
        urls: Mapping[str, str],
        *,
        sweep_seconds: float,
        is_ready: Callable[[], bool] = lambda: True,
        is_alone: bool = True,
    ) -> None:
        """Prepare the threads.

        Args:
            sqs: a boto3 SQS client.
            urls: URL of each queue, by its name in QUEUES.
            sweep_seconds: time between two sweeps.
            is_ready: whether the database answers and the disk has space; see EventSource.
            is_alone: whether no other worker can have work in progress when this one starts.
        """
        self._sqs = sqs
        self._is_ready = is_ready
        self._urls = urls
        self._sweep_seconds = sweep_seconds
        self._is_alone = is_alone
        self._stopping = threading.Event()
        self._plans = [plan for plan in QUEUES for _ in range(plan.consumers)]
        self._sources = [self._source(plan) for plan in self._plans]
        self._threads = [
            threading.Thread(target=source.run, name=plan.name)
            for source, plan in zip(self._sources, self._plans, strict=True)
        ]
        self._threads.append(threading.Thread(target=self._sweep, name="sweep", daemon=True))

    def start(self) -> None:
        """Start polling, and run a sweep; it is forced if this worker is alone."""
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether all threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def oldest_sent(self) -> dict[str, float]:
        """Queue → when the oldest message of its last receives was sent, in seconds since 1970."""
        oldest: dict[str, float] = {}
        for source, plan in zip(self._sources, self._plans, strict=True):
            sent = source.oldest_sent
            if sent is not None:
                oldest[plan.name] = min(sent, oldest.get(plan.name, sent))
        return oldest

    def stop(self) -> None:
        """Stop polling and finish the current work."""
        self._stopping.set()
        for source in self._sources:
            source.stop()
        for thread in self._threads:
            if not thread.daemon:
                thread.join()

    def _source(self, plan: QueuePlan) -> EventSource:
        mapping = QueueMapping(
            queue_url=self._urls[plan.name],
            queue_arn=f"arn:aws:sqs:{REGION}:123456789012:{plan.queue}",
            batch_size=plan.batch_size,
            window_seconds=plan.window_seconds,
            wait_seconds=2,
            timeout_seconds=float(FUNCTION_TIMEOUT_SECONDS),
            max_rest_seconds=plan.max_rest_seconds,
        )

        def call(event: dict[str, Any], context: Any) -> Any:
            attributes = [each["messageAttributes"] for each in event["Records"]]
            with recorder().batch(plan.name, attributes):
                return load_handler(plan.function)(event, context)

        is_ready = self._is_ready if plan.needs_database else lambda: True
        return EventSource(self._sqs, mapping, call, f"reviewlens-{plan.name}", is_ready)

    def _sweep(self) -> None:
        """Sweep, then check and sweep in turn: a sweep queues what a check wants read again."""
        is_swept = False
        while not self._stopping.is_set():
            if is_swept:
                self._run_scheduled(_CHECK_FUNCTION, force=False)
            is_first = not is_swept
            is_swept |= self._run_scheduled(_SWEEP_FUNCTION, force=is_first and self._is_alone)
            self._stopping.wait(_FIRST_PAUSE_SECONDS if is_first else self._sweep_seconds)

    def _run_scheduled(self, function: str, *, force: bool) -> bool:
        """Run a scheduled function; returns whether it succeeded."""
        try:
            context = Context("reviewlens-scheduled", float(FUNCTION_TIMEOUT_SECONDS))
            result = load_handler(function)(scheduled_event(force=force), context)
        except Exception:
            log.exception("%s failed on schedule", function)
            return False
        log.info("%s finished on schedule: %s", function, json.dumps(result, default=str))
        return True


def readiness(folder: Path) -> Callable[[], bool]:
    """Return a function that says whether the database answers and the disk has space.

    Args:
        folder: on the disk that must have space.
    """
    from shared.db.access import open_database
    from shared.settings.base import DatabaseSettings

    database = open_database(DatabaseSettings())

    def is_ready() -> bool:
        if shutil.disk_usage(folder).free < _MIN_FREE_BYTES:
            return False
        try:
            database.ping()
        except ReviewlensError:
            return False
        return True

    return is_ready


def main() -> int:
    """Run until SIGTERM; returns the exit status."""
    tie_to_parent()
    logging.basicConfig(
        level=os.environ.get("REVIEWLENS_LOG_LEVEL", "INFO"),
        format="%(asctime)s %(levelname)s %(threadName)s %(name)s %(message)s",
    )
    from local.aws.resources import local_client

    endpoint = os.environ["AWS_ENDPOINT_URL"]
    sweep_seconds = float(os.environ.get("REVIEWLENS_SWEEP_SECONDS", "300"))
    keys = AwsKeys.from_variables(os.environ)
    worker = Worker(
        local_client("sqs", endpoint, keys),
        {plan.name: queue_url(endpoint, plan.queue) for plan in QUEUES},
        sweep_seconds=sweep_seconds,
        is_ready=readiness(Path(os.environ["REVIEWLENS_CACHE_DIR"])),
    )
    finished = threading.Event()

    def finish(_number: int, _frame: FrameType | None) -> None:
        finished.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker.start()
    finished.wait()
    worker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
