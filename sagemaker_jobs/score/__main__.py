"""Run as ``python -m sagemaker_jobs.score --model-version VERSION``."""

import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.score.config import ENVIRONMENT, ScoreConfig


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 1 if shards were skipped."""
    log_to_stderr()
    config = parse(ScoreConfig, argv, ENVIRONMENT)
    from sagemaker_jobs.score.job import run

    return 1 if run(config).skipped else 0


if __name__ == "__main__":
    sys.exit(main())
