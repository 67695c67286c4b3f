"""The failure file of a SageMaker training job."""

import os
from pathlib import Path

_MAX_CHARACTERS = 1024
"""Length limit of SageMaker (FailureReason in DescribeTrainingJob)."""


def report_failure(reason: str) -> None:
    """Write ``$SM_OUTPUT_DIR/failure``, unless a process has written a reason already."""
    folder = os.environ.get("SM_OUTPUT_DIR")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        with (Path(folder) / "failure").open("x", encoding="utf-8") as out:
            out.write(reason[:_MAX_CHARACTERS])
    except FileExistsError:  # the first reason is the cause, later ones follow from it
        return
