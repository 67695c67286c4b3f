"""Run as ``python -m sagemaker_jobs.candidate [--run-dir RUN --train-dir DATA …]``."""

import sys
from collections.abc import Sequence

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.candidate.config import CandidateConfig
from sagemaker_jobs.message import failure_message, write_message


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; returns 0 once the candidate is complete, whether or not it passes the gate.

    A failure is raised, after its reason was written as the job's message.
    """
    log_to_stderr()
    with failure_message():
        config = parse(CandidateConfig, argv, {})
        from sagemaker_jobs.candidate.job import run

        candidate = run(config)
    write_message(candidate.model_dump())
    return 0


if __name__ == "__main__":
    sys.exit(main())
