"""Run as ``python -m sagemaker_jobs.distil teach|label|learn|judge --recipe FILE …``."""

import logging
import sys
from collections.abc import Sequence

from sagemaker_jobs.arguments import run_step
from sagemaker_jobs.distil.config import (
    JudgeConfig,
    LabelConfig,
    StepConfig,
    StudentConfig,
    TeacherConfig,
)
from sagemaker_jobs.train.memory import keep_freed_memory

STEPS: dict[str, type[StepConfig]] = {
    "teach": TeacherConfig,
    "label": LabelConfig,
    "learn": StudentConfig,
    "judge": JudgeConfig,
}
"""The steps by their module, with their parameters."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step; returns 0 when its output is written."""
    keep_freed_memory()
    record = run_step("sagemaker_jobs.distil", STEPS, argv)
    logging.getLogger("distil").info("%s", record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
