"""Run as ``python -m sagemaker_jobs.pictures features|captions|learn|export|evaluate …``."""

import sys
from collections.abc import Sequence

from sagemaker_jobs.arguments import JobConfig, run_step
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
    run_step("sagemaker_jobs.pictures", STEPS, argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
