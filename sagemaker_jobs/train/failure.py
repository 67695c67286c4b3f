"""The failure file of a SageMaker training job."""

import os
from pathlib import Path

_MAX_CHARACTERS = 1024
"""Length limit of SageMaker (FailureReason in DescribeTrainingJob)."""

LOST_CONNECTION = "another of the {size} processes or its host died"
"""All that a process knows about another whose connection broke."""


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


def report_death(death: str) -> None:
    """Write that a process was killed, once all processes of this host have ended.

    It goes before the reason of a process that only lost a connection; any other reason stays.
    """
    folder = os.environ.get("SM_OUTPUT_DIR")
    path = Path(folder or "") / "failure"
    if folder and path.exists():
        reason = path.read_text(encoding="utf-8")
        if reason.startswith(LOST_CONNECTION.split("{", maxsplit=1)[0]):
            path.write_text(f"{death}; {reason}"[:_MAX_CHARACTERS], encoding="utf-8")
        return
    report_failure(death)
