"""Run as ``python -m sagemaker_jobs.activate --model-version VERSION``.

The job leaves its outcome as a message for the flow that started it. A version that the gate has
not passed, or that another version overtook, is an outcome, not a failure.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any

from sagemaker_jobs.activate.config import ENVIRONMENT, ActivateConfig
from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.message import leave
from shared.errors import ConflictError

log = logging.getLogger("activate")


def main(argv: Sequence[str] | None = None) -> int:
    """Activate; 0 when the version is current or was kept back, with the verdict as message.

    A failure is raised, after its reason was left as the job's message.
    """
    log_to_stderr()
    try:
        config = parse(ActivateConfig, argv, ENVIRONMENT)
        said = _activate(config)
    except BaseException as error:
        leave({"reason": f"{type(error).__name__}: {error}"})
        raise
    log.info("%s", leave(said))
    return 0


def _activate(config: ActivateConfig) -> dict[str, Any]:
    from sagemaker_jobs.activate.job import run
    from sagemaker_jobs.gate.errors import GateError

    try:
        done = run(config)
    except (GateError, ConflictError) as error:
        return {"verdict": "kept", "reasons": [error.message]}
    report = done.model_dump(exclude={"action", "version"})
    return {"verdict": "active", "reasons": [], **report}


if __name__ == "__main__":
    sys.exit(main())
