"""Run as ``python -m sagemaker_jobs.train --modality text+image --train-dir DATA …``."""

import logging
import sys
from collections.abc import Sequence

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.fusion.config import CHANNEL, ENVIRONMENT, FusionConfig

log = logging.getLogger("fusion")


def main(argv: Sequence[str] | None = None, channel: str = CHANNEL) -> int:
    """Learn the head and measure it; returns 0 once both are written.

    Args:
        argv: the arguments; by default those of the process.
        channel: environment variable with the folder of the rows.
    """
    log_to_stderr()
    config = parse(FusionConfig, argv, ENVIRONMENT | {"train_dir": channel})
    from sagemaker_jobs.fusion.job import run

    log.info("%s", run(config)["figures"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
