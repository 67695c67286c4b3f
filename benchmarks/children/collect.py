"""Collects objects with the Lambda handler, from events of the queue."""

import time
from typing import Any

from benchmarks.children.measure import peak_mib, read_task, reset_peak, resident_mib, write_result
from lambdas.collection.handler import handler


def collect(event: dict[str, Any]) -> float:
    """Handle one event; returns the seconds it took.

    Raises:
        RuntimeError: the handler reported a failure.
    """
    started = time.perf_counter()
    if handler(event, None)["batchItemFailures"]:
        raise RuntimeError("the object was not collected")
    return time.perf_counter() - started


def main() -> None:
    warm_up, measured = read_task()
    collect(warm_up)  # connections and imports
    before = resident_mib()
    reset_peak()
    cpu_start = time.process_time()
    seconds = collect(measured)
    cpu_seconds = time.process_time() - cpu_start
    write_result({"seconds": seconds, "cpu_seconds": cpu_seconds, "above_mib": peak_mib() - before})


if __name__ == "__main__":
    main()
