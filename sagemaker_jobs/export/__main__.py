"""Run as ``python -m sagemaker_jobs.export --run-dir RUN --output-dir models/default``.

With ``--modality text+image``, the run is that of a fusion head.
"""

import logging
import sys

from sagemaker_jobs.arguments import TEXT, TEXT_AND_IMAGE, log_to_stderr, parse, take_modality
from sagemaker_jobs.export.config import ExportConfig
from sagemaker_jobs.fusion.config import FusionExportConfig

log = logging.getLogger("export")
_ENVIRONMENT = {"run_dir": "SM_CHANNEL_RUN", "output_dir": "SM_MODEL_DIR"}


def main(argv: list[str] | None = None) -> int:
    """Run the job; returns 0 once the artefact has passed its checks, 2 if a head is refused."""
    log_to_stderr()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if take_modality(arguments, [TEXT_AND_IMAGE]) != TEXT:
        return _export_head(arguments)
    config = parse(ExportConfig, arguments, _ENVIRONMENT)
    from sagemaker_jobs.export.job import run

    manifest = run(config)
    log.info("wrote %s", manifest["version"])
    return 0


def _export_head(arguments: list[str]) -> int:
    from sagemaker_jobs.fusion.export import run
    from shared.errors import ReviewlensError

    try:
        manifest = run(parse(FusionExportConfig, arguments, _ENVIRONMENT))
    except ReviewlensError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    decides = manifest.fusion is not None and manifest.fusion.decides
    log.info("wrote %s; its head %s", manifest.version, "decides" if decides else "does not decide")
    return 0


if __name__ == "__main__":
    sys.exit(main())
