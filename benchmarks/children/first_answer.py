"""A new process of the inference function up to its first answers, as Lambda would start it."""

import sys
import time
from types import SimpleNamespace


def main(started: float) -> None:
    """Import the handler, answer, and tell when; ``started`` is the parent's clock at the start."""
    running = time.monotonic() - started
    from lambdas.inference.handler import handler

    imported = time.monotonic() - started
    from benchmarks.children import measure

    asking = time.monotonic()
    asked = measure.task()
    waited = time.monotonic() - asking  # the parent's pipe is no part of a cold start
    context = SimpleNamespace(aws_request_id="cold", function_name="reviewlens-inference")
    first = handler(asked["event"], context)
    seconds = time.monotonic() - started - waited
    resident = measure.resident_mib()
    more = [
        measure.milliseconds(lambda: handler(asked["event"], context)) for _ in range(asked["more"])
    ]
    measure.answer(
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
