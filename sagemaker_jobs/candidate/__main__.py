"""Run as ``python -m sagemaker_jobs.candidate [--run-dir RUN --train-dir DATA …]``."""

import sys
from collections.abc import Sequence

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.candidate.config import CandidateConfig
from sagemaker_jobs.message import leave


def main(argv: Sequence[str] | None = None) -> int:
    """Make a candidate as the arguments say; 0 when it is whole, whatever the gate says.

    A failure is raised, after its reason was left as the job's message.
    """
    log_to_stderr()
    try:
        config = parse(CandidateConfig, argv, {})
        from sagemaker_jobs.candidate.job import run

        made = run(config)
    except BaseException as error:
        leave({"reason": f"{type(error).__name__}: {error}"})
        raise
    leave(made.model_dump())
    return 0


if __name__ == "__main__":
    sys.exit(main())
