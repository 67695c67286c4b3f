"""Run as ``python -m sagemaker_jobs.train --modality text+image --train-dir DATA …``."""

import logging
import sys
from collections.abc import Sequence

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.fusion.config import ENVIRONMENT, FusionConfig

log = logging.getLogger("fusion")


def main(argv: Sequence[str] | None = None) -> int:
    """Learn the head and measure it; returns 0 once both are written."""
    log_to_stderr()
    config = parse(FusionConfig, argv, ENVIRONMENT)
    from sagemaker_jobs.fusion.job import run

    log.info("%s", run(config)["figures"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
