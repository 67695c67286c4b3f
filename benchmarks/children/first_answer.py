"""Cold start and first responses of the inference function, started as Lambda does."""

import sys
import time
from types import SimpleNamespace


def main(started: float) -> None:
    """Import the handler and time responses; ``started`` is the parent's monotonic start time."""
    running = time.monotonic() - started
    from lambdas.inference.handler import handler

    imported = time.monotonic() - started
    from benchmarks.children import measure

    read_start = time.monotonic()
    task = measure.read_task()
    waited = time.monotonic() - read_start  # reading the task is not part of a cold start
    context = SimpleNamespace(aws_request_id="cold", function_name="reviewlens-inference")
    first = handler(task["event"], context)
    seconds = time.monotonic() - started - waited
    resident = measure.resident_mib()
    more = [
        measure.milliseconds(lambda: handler(task["event"], context)) for _ in range(task["more"])
    ]
    measure.write_result(
        {
            "status": first["statusCode"],
            "running": running,
            "imported": imported,
            "seconds": seconds,
            "resident_mib": resident,
            "resident_later_mib": measure.resident_mib(),
            "second_ms": more[0],
            "heavy": measure.heavy_modules(),
        }
    )


if __name__ == "__main__":
    main(float(sys.argv[1]))
