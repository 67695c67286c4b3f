"""Run as ``python -m sagemaker_jobs.gate --candidate-dir A --current-dir B --output gate.json``."""

import logging
import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.gate.config import GateConfig

log = logging.getLogger("gate")


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 1 if the candidate does not pass."""
    log_to_stderr()
    config = parse(
        GateConfig,
        argv,
        {"candidate_dir": "SM_CHANNEL_CANDIDATE", "current_dir": "SM_CHANNEL_CURRENT"},
    )
    from sagemaker_jobs.gate.job import run

    result = run(config)
    for reason in result.reasons:
        log.info("%s", reason)
    log.info("passed=%s", result.passed)
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
