"""Run as ``python -m sagemaker_jobs.export --run-dir RUN --output-dir models/default``.

With ``--modality text+image``, the run is that of a fusion head.
"""

import logging
import sys
from importlib import import_module

from sagemaker_jobs.arguments import (
    TEXT,
    TEXT_AND_IMAGE,
    log_to_stderr,
    parse,
    take_modality,
)
from sagemaker_jobs.export.config import ExportConfig

log = logging.getLogger("export")
_JOBS = {TEXT_AND_IMAGE: "sagemaker_jobs.fusion.export"}
"""Jobs that export what reads more than texts; by name, as the image of trainings has none."""


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 0 once the artefact has passed its checks, 2 if a head is refused."""
    log_to_stderr()
    arguments = list(sys.argv[1:] if argv is None else argv)
    modality = take_modality(arguments, _JOBS)
    if modality != TEXT:
        return int(import_module(_JOBS[modality]).main(arguments))
    config = parse(
        ExportConfig, arguments, {"run_dir": "SM_CHANNEL_RUN", "output_dir": "SM_MODEL_DIR"}
    )
    from sagemaker_jobs.export.job import run

    manifest = run(config)
    log.info("wrote %s", manifest["version"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
