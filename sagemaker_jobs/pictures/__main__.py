"""Run as ``python -m sagemaker_jobs.pictures features|captions|learn|export|evaluate …``."""

import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from sagemaker_jobs.arguments import JobConfig, log_to_stderr, parse
from sagemaker_jobs.pictures.config import (
    CaptionsConfig,
    EvaluateConfig,
    ExportConfig,
    FeaturesConfig,
    LearnConfig,
)

STEPS: dict[str, type[JobConfig]] = {
    "features": FeaturesConfig,
    "captions": CaptionsConfig,
    "learn": LearnConfig,
    "export": ExportConfig,
    "evaluate": EvaluateConfig,
}
"""The steps by their module, with their parameters."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step; returns 0 when its output is written."""
    log_to_stderr(logging.INFO)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in STEPS:
        sys.exit(f"the first argument must be one of: {', '.join(STEPS)}")
    config = parse(STEPS[arguments[0]], arguments[1:], {})
    import_module(f"sagemaker_jobs.pictures.{arguments[0]}").run(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
