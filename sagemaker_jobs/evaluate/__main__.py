"""Run as ``python -m sagemaker_jobs.evaluate --model-dir M --data-dir D --output FILE``."""

import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.evaluate.config import EvaluateConfig


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 0."""
    log_to_stderr()
    config = parse(
        EvaluateConfig, argv, {"model_dir": "SM_CHANNEL_MODEL", "data_dir": "SM_CHANNEL_DATA"}
    )
    from sagemaker_jobs.evaluate.job import run

    run(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
