"""The candidate job turns a training's result into a version with a verdict."""

import hashlib
import json
import tarfile

import pytest

from sagemaker_jobs import message
from sagemaker_jobs.candidate.__main__ import main
from shared.schemas.gate import GateResult
from shared.storage.layout import EVALUATION_FILES


@pytest.fixture
def job(run_dir, data, tmp_path, monkeypatch):
    """``job(output, **options)`` runs the job on SageMaker's folders; returns output, message."""
    monkeypatch.setattr(message, "FOLDER", tmp_path)
    (tmp_path / "run").mkdir()
    with tarfile.open(tmp_path / "run" / "model.tar.gz", "w:gz") as archive:
        for path in run_dir.iterdir():
            archive.add(path, path.name)

    def run(output, **options):
        fields = {
            "run_dir": tmp_path / "run", "train_dir": data, "data_dir": data,
            "output_dir": tmp_path / output, "current_dir": tmp_path / "none",
            "alignment_rows": 0, "latency_runs": 0, "robustness_rows": 5, "threads": 1,
        } | options  # fmt: skip
        arguments = [part for name, value in fields.items() for part in (f"--{name}", str(value))]
        assert main(arguments) == 0
        return tmp_path / output, json.loads((tmp_path / "message").read_text())

    return run


def test_a_training_becomes_a_candidate_judged_against_the_current_model(job, tmp_path):
    first, fields = job("first", robustness=False)
    assert (fields["passed"], fields["against"]) == (True, None)
    assert not (first / "gate.json").exists()
    second, fields = job("second", current_dir=first / "model")
    verdict = GateResult.model_validate_json((second / "gate.json").read_bytes())
    # sixty rows are too few, and the gate gives that as the reason
    assert (verdict.passed, verdict.against) == (False, fields["against"])
    assert fields["reasons"] == verdict.reasons
    # the registry accepts it: complete files, and evaluations of the right versions
    manifest = json.loads((second / "model" / "manifest.json").read_text())
    assert manifest["version"] == fields["version"]
    assert "test" in manifest["metrics"]
    for name, entry in manifest["files"].items():
        body = (second / "model" / name).read_bytes()
        assert hashlib.sha256(body).hexdigest() == entry["sha256"]
    for folder, version in (("evaluation", fields["version"]), ("current", fields["against"])):
        assert {path.name for path in (second / folder).iterdir()} >= set(EVALUATION_FILES)
        figures = json.loads((second / folder / "evaluation.json").read_text())
        assert figures["version"] == version


def test_the_encoder_of_a_channel_is_read_from_its_current_folder(job, base):
    output, _ = job("output", encoder_dir=base, alignment_rows=40, robustness=False)
    manifest = json.loads((output / "model" / "manifest.json").read_text())
    assert manifest["parameters"]["training"]["parameters"]["model_name"] == str(base)
    assert manifest["parameters"]["base_cosine"] > 0


def test_a_failure_is_written_as_the_reason(job, tmp_path):
    (tmp_path / "run" / "model.tar.gz").unlink()
    with pytest.raises(FileNotFoundError):
        job("output")
    assert "has neither model.tar.gz nor run.json" in (tmp_path / "message").read_text()
