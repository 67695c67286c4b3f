"""Run as ``python -m sagemaker_jobs.export --run-dir RUN --output-dir models/default``."""

import logging
import sys

from sagemaker_jobs.arguments import log_to_stderr, parse
from sagemaker_jobs.export.config import ExportConfig

log = logging.getLogger("export")


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 0 once the artefact has passed its checks."""
    log_to_stderr()
    config = parse(ExportConfig, argv, {"run_dir": "SM_CHANNEL_RUN", "output_dir": "SM_MODEL_DIR"})
    from sagemaker_jobs.export.job import run

    manifest = run(config)
    log.info("wrote %s", manifest["version"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
