"""Run as ``python -m sagemaker_jobs.clip --source CHECKPOINT --sentiment-dir MODEL …``."""

import logging
import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.clip.config import ClipConfig

log = logging.getLogger("clip")


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 0 once the model has passed its checks, 2 if it cannot be exported."""
    log_to_stderr()
    config = parse(ClipConfig, argv, {})
    from sagemaker_jobs.clip.errors import CheckpointError
    from sagemaker_jobs.clip.job import run
    from sagemaker_jobs.export.parity import ParityError

    try:
        manifest = run(config)
    except (CheckpointError, ParityError) as error:
        # one line, which the caller reports: the messages of libraries have several
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 2
    log.info("wrote %s", manifest.version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
