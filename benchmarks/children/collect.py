"""Collects objects through the Lambda handler, as the queue's events ask for them."""

import time
from typing import Any

from benchmarks.children.measure import answer, forget_peak, peak_mib, resident_mib, task
from lambdas.collection.handler import handler


def collect(event: dict[str, Any]) -> float:
    """One event; seconds.

    Raises:
        RuntimeError: the handler gave the message back.
    """
    started = time.perf_counter()
    if handler(event, None)["batchItemFailures"]:
        raise RuntimeError("the object was not collected")
    return time.perf_counter() - started


def main() -> None:
    small, wanted = task()
    collect(small)  # connections and imports
    before = resident_mib()
    forget_peak()
    worked = time.process_time()
    seconds = collect(wanted)
    worked = time.process_time() - worked
    answer({"seconds": seconds, "worked": worked, "above_mib": peak_mib() - before})


if __name__ == "__main__":
    main()
