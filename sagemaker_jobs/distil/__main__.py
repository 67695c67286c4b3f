"""Run as ``python -m sagemaker_jobs.distil teach|label|learn|judge --recipe FILE …``."""

import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from sagemaker_jobs.arguments import log_to_stderr, parse
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
    log_to_stderr(logging.INFO)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in STEPS:
        sys.exit(f"the first argument must be one of: {', '.join(STEPS)}")
    config = parse(STEPS[arguments[0]], arguments[1:], {})
    keep_freed_memory()
    record = import_module(f"sagemaker_jobs.distil.{arguments[0]}").run(config)
    logging.getLogger("distil").info("%s", record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
