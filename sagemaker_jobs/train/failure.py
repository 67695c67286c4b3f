"""The reason of a failed job, where SageMaker looks for it."""

import os
from pathlib import Path

_MOST = 1024
"""Characters that SageMaker shows of it (FailureReason of DescribeTrainingJob)."""


def report(reason: str) -> None:
    """Write ``$SM_OUTPUT_DIR/failure``, unless a process of the job wrote its reason before."""
    folder = os.environ.get("SM_OUTPUT_DIR")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        with (Path(folder) / "failure").open("x", encoding="utf-8") as out:
            out.write(reason[:_MOST])
    except FileExistsError:  # the first reason is the cause, later ones follow from it
        return
