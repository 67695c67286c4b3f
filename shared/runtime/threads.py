"""How many threads an encoder may use."""

import os

_MEGABYTES_PER_CORE = 1769
"""AWS Lambda gives one vCPU per 1,769 MB of memory."""


def cores() -> int:
    """Processors that this process may use; inside Lambda, those that its memory buys.

    The kernel shows a Lambda function all processors of its host, most of which it cannot use.
    """
    memory = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    present = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if memory.isdigit():
        return max(1, min(present or 1, round(int(memory) / _MEGABYTES_PER_CORE)))
    return present or 1


def encoder_threads(configured: int) -> int:
    """Threads of one encoder pass: as configured, or (0) chosen.

    A Lambda environment has one request at a time, so a pass gets every core. A server has many:
    one thread a pass and several passes side by side waste nothing on handing work around (one that
    has the server to itself may take more, see Encoder).
    """
    if configured > 0:
        return configured
    return cores() if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else 1
