"""Runs the jobs export, evaluate (for both models) and gate in sequence."""

import json
import logging
import shutil
import tarfile
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sagemaker_jobs.candidate.config import CandidateConfig
from sagemaker_jobs.evaluate import job as evaluate
from sagemaker_jobs.evaluate.config import EvaluateConfig
from sagemaker_jobs.export import job as export
from sagemaker_jobs.export.config import ExportConfig
from sagemaker_jobs.gate import job as gate
from sagemaker_jobs.gate.config import GateConfig
from sagemaker_jobs.train.model import BUNDLED

log = logging.getLogger("candidate")
_ARCHIVE = "model.tar.gz"
_FIGURES = "evaluation.json"


class Candidate(BaseModel):
    """The result. ``passed`` is true if there is no current model to compare with."""

    model_config = ConfigDict(frozen=True)

    version: str
    passed: bool
    against: str | None = None
    reasons: list[str] = []


def run(config: CandidateConfig) -> Candidate:
    """Write model/, evaluation/ and, if there is a current model, current/ and gate.json.

    Raises:
        FileNotFoundError: the training's result or a data file is missing.
        ParityError: the results of the exported graph differ from the trained model's.
    """
    output = config.output_dir
    with tempfile.TemporaryDirectory() as name:
        trained = _copy_run(config, Path(name))
        base = json.loads((trained / "run.json").read_text("utf-8"))["parameters"]["model_name"]
        manifest = export.run(
            ExportConfig(
                run_dir=trained,
                output_dir=output / "model",
                family=config.family,
                calibration=config.train_dir / "train.parquet",
                alignment_rows=config.alignment_rows,
            )
        )
    # recall compares with the neighbours of the bundled encoder: meaningless for other encoders
    recall_rows = config.recall_rows if base == BUNDLED else 0
    _evaluate(config, output / "model", output / "evaluation", record=True, recall_rows=recall_rows)
    version = str(manifest["version"])
    if not (config.current_dir / "manifest.json").is_file():
        log.info("%s: there is no current model to compare with", version)
        return Candidate(version=version, passed=True)
    _evaluate(config, config.current_dir, output / "current", record=False, recall_rows=0)
    result = gate.run(
        GateConfig(
            candidate_dir=output / "evaluation",
            current_dir=output / "current",
            output=output / "gate.json",
        )
    )
    log.info("%s against %s: passed=%s", version, result.against, result.passed)
    return Candidate(
        version=version, passed=result.passed, against=result.against, reasons=result.reasons
    )


def _copy_run(config: CandidateConfig, folder: Path) -> Path:
    """Copy the training's result, with the current path of the base encoder in its record."""
    archive, trained = config.run_dir / _ARCHIVE, folder / "run"
    if archive.is_file():
        with tarfile.open(archive) as stream:
            stream.extractall(trained, filter="data")
    elif (config.run_dir / "run.json").is_file():
        shutil.copytree(config.run_dir, trained)
    else:
        raise FileNotFoundError(f"run_dir: {config.run_dir} has neither {_ARCHIVE} nor run.json")
    if (config.encoder_dir / "config.json").is_file():
        record = json.loads((trained / "run.json").read_text("utf-8"))
        record["parameters"]["model_name"] = str(config.encoder_dir)
        (trained / "run.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return trained


def _evaluate(
    config: CandidateConfig, model: Path, folder: Path, *, record: bool, recall_rows: int
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    evaluate.run(
        EvaluateConfig(
            model_dir=model,
            data_dir=config.data_dir,
            splits=config.splits,
            output=folder / _FIGURES,
            record=record,
            recall_rows=recall_rows,
            limit=config.limit,
            latency_runs=config.latency_runs,
            robustness=config.robustness,
            robustness_rows=config.robustness_rows,
            robustness_seeds=1,
            behaviours=config.robustness,
            threads=config.threads,
        )
    )
