"""Run as ``python -m sagemaker_jobs.train --train-dir DATA --output-dir OUT [--recipe FILE]``."""

import logging
import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.train.config import TrainConfig

ENVIRONMENT = {"train_dir": "SM_CHANNEL_TRAIN", "output_dir": "SM_MODEL_DIR"}


def main(argv: list[str] | None = None) -> int:
    """Train as the arguments say; 0 when the model was saved."""
    log_to_stderr()
    config = parse(TrainConfig, argv, ENVIRONMENT)
    from sagemaker_jobs.train.job import run

    logging.getLogger("train").info("%s", run(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
