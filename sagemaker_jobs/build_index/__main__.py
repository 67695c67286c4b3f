"""Run as ``python -m sagemaker_jobs.build_index --model-version VERSION``."""

import logging
import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.build_index.config import ENVIRONMENT, BuildIndexConfig
from shared.errors import ReviewlensError

log = logging.getLogger("build_index")


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 1 if the index cannot be built."""
    log_to_stderr()
    config = parse(BuildIndexConfig, argv, ENVIRONMENT)
    from sagemaker_jobs.build_index.job import run

    try:
        run(config)
    except ReviewlensError as error:
        log.warning("%s", error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
