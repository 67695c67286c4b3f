"""Number of threads for an encoder."""

import os

_MEGABYTES_PER_CORE = 1769
"""AWS Lambda allocates one vCPU per 1,769 MB of memory."""


def cores() -> int:
    """Number of cores that this process may use; on Lambda, the share that its memory buys.

    The kernel reports all cores of the host to a Lambda function, which cannot use most of them.
    """
    memory = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if memory.isdigit():
        return max(1, min(visible or 1, round(int(memory) / _MEGABYTES_PER_CORE)))
    return visible or 1


def encoder_threads(configured: int) -> int:
    """Threads of one encoder pass: ``configured``, or a default if it is 0.

    A Lambda environment handles one request at a time, so a pass gets all cores. A server handles
    many: passes of one thread in parallel avoid the overhead of splitting each pass (one that
    runs while the server is idle may use more threads, see Encoder).
    """
    if configured > 0:
        return configured
    return cores() if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else 1
