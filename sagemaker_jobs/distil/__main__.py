"""Run as ``python -m sagemaker_jobs.distil teach|label|learn --recipe FILE …``."""

import logging
import sys
from collections.abc import Sequence

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.distil.config import LabelConfig, StudentConfig, TeacherConfig

STEPS = ("teach", "label", "learn")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step; returns 0 when its output is written."""
    log_to_stderr(logging.INFO)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in STEPS:
        sys.exit(f"the first argument must be one of: {', '.join(STEPS)}")
    step, rest = arguments[0], arguments[1:]
    if step == "teach":
        from sagemaker_jobs.distil import teach

        record = teach.run(parse(TeacherConfig, rest, {}))
    elif step == "label":
        from sagemaker_jobs.distil import label

        record = label.run(parse(LabelConfig, rest, {}))
    else:
        from sagemaker_jobs.distil import learn

        record = learn.run(parse(StudentConfig, rest, {}))
    logging.getLogger("distil").info("%s", record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
