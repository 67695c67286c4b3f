"""Run as ``python -m sagemaker_jobs.score --model-version VERSION``."""

import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.score.config import ENVIRONMENT, ScoreConfig


def main(argv: list[str] | None = None) -> int:
    """Score as the arguments say; 1 when shards were left over."""
    log_to_stderr()
    config = parse(ScoreConfig, argv, ENVIRONMENT)
    from sagemaker_jobs.score.job import run

    return 1 if run(config).left else 0


if __name__ == "__main__":
    sys.exit(main())
