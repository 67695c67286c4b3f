"""Run as ``python -m sagemaker_jobs.train --train-dir DATA --output-dir OUT [--recipe FILE]``."""

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from sagemaker_jobs.arguments import TEXT, TEXT_AND_IMAGE, log_to_stderr, parse, take_modality
from sagemaker_jobs.train.config import RECIPE_DEFAULTS, TrainConfig
from sagemaker_jobs.train.failure import LOST_CONNECTION, report_failure
from sagemaker_jobs.train.memory import keep_freed_memory

log = logging.getLogger("train")

ENVIRONMENT = {
    "train_dir": "SM_CHANNEL_TRAIN",
    "output_dir": "SM_MODEL_DIR",
    "checkpoint_dir": "SM_CHECKPOINT_DIR",
}
_CHANNELS = ("SM_CHANNEL_TRAIN", "SM_CHANNEL_TRAINING")
"""Variables of the training channel under its two usual names."""

_JOBS = {TEXT_AND_IMAGE: "sagemaker_jobs.fusion.__main__"}
"""Jobs that train what reads more than texts, by --modality."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the training; returns 0 once the model is saved.

    A failure is raised, after its reason was written to ``$SM_OUTPUT_DIR/failure``.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    rank = int(os.environ.get("RANK", "0"))
    log_to_stderr(logging.WARNING if rank else logging.INFO)
    channel = next((name for name in _CHANNELS if os.environ.get(name)), _CHANNELS[0])
    try:
        modality = take_modality(arguments, _JOBS)
        if modality != TEXT and rank:
            return 0  # the first process does it alone, in minutes
        if modality != TEXT:
            return int(import_module(_JOBS[modality]).main(arguments, channel))
        config = parse(
            TrainConfig, arguments, ENVIRONMENT | {"train_dir": channel}, RECIPE_DEFAULTS
        )
        keep_freed_memory()
        from sagemaker_jobs.train.job import run

        if record := run(config):
            log.info("%s", record)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            report_failure(ended.code)
        raise
    except Exception as error:
        reason = _reason(error)
        log.error("%s", reason)  # noqa: TRY400 - the traceback follows, as the error is raised again
        report_failure(reason)
        raise
    return 0


def _reason(error: Exception) -> str:
    """The error in one line; a broken connection to another process is named first."""
    reason = f"{type(error).__name__}: {error}"
    if type(error).__name__.startswith("Dist") or "gloo/transport" in reason:
        size, rank = os.environ.get("WORLD_SIZE"), os.environ.get("RANK")
        return f"{LOST_CONNECTION.format(size=size)}, says process {rank}: {reason}"
    return reason


if __name__ == "__main__":
    sys.exit(main())
