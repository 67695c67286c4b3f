"""An export reads weights only as safetensors and runs no code of a model."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import sagemaker_jobs
from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.pictures import backbone
from sagemaker_jobs.pictures.config import FeaturesConfig


@pytest.fixture
def run(run_dir, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_dir, folder)
    return folder


def test_a_run_with_only_pickled_weights_is_rejected(run, tmp_path):
    torch.save(load_file(run / "model.safetensors"), run / "pytorch_model.bin")
    (run / "model.safetensors").unlink()
    with pytest.raises(
        FileNotFoundError,
        match=r"run_dir: .* lacks model\.safetensors or teacher\.safetensors; weights",
    ):
        export(["--run-dir", str(run), "--output-dir", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_base_encoder_with_only_pickled_weights_is_rejected(run, base, data, tmp_path):
    pickled = tmp_path / "base"
    shutil.copytree(base, pickled)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    record = json.loads((run / "run.json").read_text())
    record["parameters"]["model_name"] = str(pickled)
    (run / "run.json").write_text(json.dumps(record))
    arguments = ["--run-dir", str(run), "--output-dir", str(tmp_path / "out")]
    with pytest.raises(FileNotFoundError, match=r"model_name: .* lacks model\.safetensors"):
        export([*arguments, "--calibration", str(data / "validation.parquet")])


def test_code_in_a_model_folder_is_not_run_and_nothing_is_unpickled(run, tmp_path, monkeypatch):
    trace = tmp_path / "ran"
    (run / "custom.py").write_text(
        f"open({str(trace)!r}, 'w').close()\n"
        "from transformers import BertConfig as Config, BertModel as Model\n"
    )
    config = json.loads((run / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "custom.Config", "AutoModel": "custom.Model"}
    (run / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("torch.load was called"))
    assert export(["--run-dir", str(run), "--output-dir", str(tmp_path / "out")]) == 0
    assert not trace.exists()


def test_no_job_trusts_remote_code_or_reads_a_pickle():
    sources = [
        path.read_text(encoding="utf-8") for path in Path(sagemaker_jobs.__path__[0]).rglob("*.py")
    ]
    trusted = [x for text in sources for x in re.findall(r"trust_remote_code=(\w+)", text)]
    assert set(trusted) == {"False"}
    calls = [
        x for text in sources for x in re.findall(r"Auto\w+\.from_\w+\(.*?\)", text, re.DOTALL)
    ]
    assert calls
    assert all("trust_remote_code=False" in call for call in calls)
    weights = [call for call in calls if call.startswith("AutoModel.from_pretrained")]
    assert all("use_safetensors=True" in call for call in weights)
    whole = "\n".join(sources)
    assert not re.search(r"\bpickle\.load|\bunpickle", whole)
    # published weights of one backbone: an unpickler of tensors alone, and a hash in the source
    loads = re.findall(r"torch\.load\(.*?\)", whole, re.DOTALL)
    assert loads == ['torch.load(path, map_location="cpu", weights_only=True)']


def test_published_weights_with_another_hash_are_not_opened(monkeypatch, tmp_path):
    ((name, packaged),) = backbone.PACKAGED.items()
    monkeypatch.setitem(backbone.PACKAGED, name, packaged._replace(sha256="0" * 64))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was opened"))
    config = FeaturesConfig(
        data_dir=tmp_path, cache_dir=tmp_path, output_dir=tmp_path, backbone=name
    )
    with pytest.raises(ValueError, match=f"{'0' * 64} is expected"):
        backbone.load_backbone(config)
