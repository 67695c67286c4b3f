"""The candidate job: of a training's result it makes a version for the registry, and a verdict."""

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
    """``job(**options)``: the job over the folders that SageMaker would bring, its message."""
    monkeypatch.setattr(message, "FOLDER", tmp_path)
    (tmp_path / "run").mkdir()
    with tarfile.open(tmp_path / "run" / "model.tar.gz", "w:gz") as archive:
        for path in run_dir.iterdir():
            archive.add(path, path.name)

    def run(output, **options):
        given = {
            "run_dir": tmp_path / "run", "train_dir": data, "data_dir": data,
            "output_dir": tmp_path / output, "current_dir": tmp_path / "none",
            "alignment_rows": 0, "latency_runs": 0, "robustness_rows": 5, "threads": 1,
        } | options  # fmt: skip
        arguments = [part for name, value in given.items() for part in (f"--{name}", str(value))]
        assert main(arguments) == 0
        return tmp_path / output, json.loads((tmp_path / "message").read_text())

    return run


def test_a_training_becomes_a_candidate_that_is_compared_with_the_current_model(job, tmp_path):
    first, said = job("first", robustness=False)
    assert (said["passed"], said["against"]) == (True, None)
    assert not (first / "gate.json").exists()
    second, said = job("second", current_dir=first / "model")
    verdict = GateResult.model_validate_json((second / "gate.json").read_bytes())
    # sixty rows prove nothing, and the gate says so
    assert (verdict.passed, verdict.against) == (False, said["against"])
    assert said["reasons"] == verdict.reasons
    # what the registry takes: whole files, and evaluations that are those of their version
    manifest = json.loads((second / "model" / "manifest.json").read_text())
    assert manifest["version"] == said["version"]
    assert "test" in manifest["metrics"]
    for name, entry in manifest["files"].items():
        body = (second / "model" / name).read_bytes()
        assert hashlib.sha256(body).hexdigest() == entry["sha256"]
    for folder, version in (("evaluation", said["version"]), ("current", said["against"])):
        assert {path.name for path in (second / folder).iterdir()} >= set(EVALUATION_FILES)
        told = json.loads((second / folder / "evaluation.json").read_text())
        assert told["version"] == version


def test_the_encoder_of_a_channel_is_found_where_it_lies_now(job, base):
    made, _ = job("made", encoder_dir=base, alignment_rows=40, robustness=False)
    manifest = json.loads((made / "model" / "manifest.json").read_text())
    assert manifest["parameters"]["training"]["parameters"]["model_name"] == str(base)
    assert manifest["parameters"]["base_cosine"] > 0


def test_what_is_missing_is_left_as_the_reason(job, tmp_path):
    (tmp_path / "run" / "model.tar.gz").unlink()
    with pytest.raises(FileNotFoundError):
        job("made")
    assert "has neither model.tar.gz nor run.json" in (tmp_path / "message").read_text()
