"""Run as ``python -m sagemaker_jobs.activate --model-version VERSION``.

The job writes its outcome as a message for the flow that started it. A version that the gate
rejects, or that loses to another activation, is an outcome and not a failure.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any

from sagemaker_jobs.activate.config import ENVIRONMENT, ActivateConfig
from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.message import failure_message, write_message
from shared.errors import ConflictError

log = logging.getLogger("activate")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; returns 0 with the verdict as message, whether or not the version is active.

    A failure is raised, after its reason was written as the job's message.
    """
    log_to_stderr()
    with failure_message():
        outcome = _activate(parse(ActivateConfig, argv, ENVIRONMENT))
    log.info("%s", write_message(outcome))
    return 0


def _activate(config: ActivateConfig) -> dict[str, Any]:
    from sagemaker_jobs.activate.job import run
    from sagemaker_jobs.gate.errors import GateError

    try:
        report = run(config)
    except (GateError, ConflictError) as error:
        return {"verdict": "kept", "reasons": [error.message]}
    return {
        "verdict": "active",
        "reasons": [],
        **report.model_dump(exclude={"action", "version"}),
    }


if __name__ == "__main__":
    sys.exit(main())
