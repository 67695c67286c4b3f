"""Run as ``python -m sagemaker_jobs.activate --model-version VERSION``.

The same as ``sagemaker_jobs.build_index --activate true``, for a flow that must know the outcome: a
version that may not become current, or that another one overtook, is an answer and no failure.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.build_index.config import ENVIRONMENT, BuildIndexConfig
from sagemaker_jobs.message import leave
from shared.errors import ConflictError

log = logging.getLogger("activate")


def main(argv: Sequence[str] | None = None) -> int:
    """Activate; 0 when the version is current or was kept back, with the verdict as message.

    A failure is raised, after its reason was left as the job's message.
    """
    log_to_stderr()
    try:
        config = parse(BuildIndexConfig, argv, ENVIRONMENT)
        said = _activate(config.model_copy(update={"activate": True}))
    except BaseException as error:
        leave({"reason": f"{type(error).__name__}: {error}"})
        raise
    log.info("%s", leave(said))
    return 0


def _activate(config: BuildIndexConfig) -> dict[str, Any]:
    from sagemaker_jobs.build_index.job import run
    from sagemaker_jobs.gate.errors import GateError

    try:
        done = run(config)
    except (GateError, ConflictError) as error:
        return {"verdict": "kept", "reasons": [error.message]}
    told = {} if done is None else done.model_dump(exclude={"action", "version"})
    return {"verdict": "active", "reasons": [], **told}


if __name__ == "__main__":
    sys.exit(main())
