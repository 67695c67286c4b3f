"""Run as ``python -m sagemaker_jobs.decide --model-dir M --predictions FILE,… --output FILE``."""

import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.decide.config import DecideConfig


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 0."""
    log_to_stderr()
    config = parse(DecideConfig, argv, {"model_dir": "SM_CHANNEL_MODEL"})
    from sagemaker_jobs.decide.job import run

    run(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
