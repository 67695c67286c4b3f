"""The training as SageMaker starts it, and the output that SageMaker reads."""

import json
import re
import sys

import pytest

from sagemaker_jobs.arguments import parse
from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.container import hyperparameters, launcher
from sagemaker_jobs.train.container import main as container
from shared.schemas.training_log import METRIC_DEFINITIONS

FOLDERS = ["--train-dir", "in", "--output-dir", "out"]


def test_hyperparameters_are_parsed_as_sagemaker_passes_them():
    arguments = [
        "--learning_rate", "2e-5", "--model_name", '"distilbert-base-uncased"', "--epochs=4",
        "--class_counts", '"{\\"negative\\": 5, \\"positive\\": 7}"', "--wide", "false",
        "--start_from", "null",
    ]  # fmt: skip
    config = parse(TrainConfig, [*FOLDERS, *arguments], {})
    assert config.learning_rate == 2e-5
    assert config.model_name == "distilbert-base-uncased"
    assert config.epochs == 4
    assert config.class_counts == {"negative": 5, "positive": 7}
    assert (config.wide, config.start_from) == (False, None)


def test_an_invalid_value_is_rejected_with_its_name():
    for name, value in (("epochs", "many"), ("class_counts", "{"), ("class_weights", "some"),
                        ("class_counts", '{"good": 3}'), ("batch_size", "0")):  # fmt: skip
        with pytest.raises(ValueError, match=name):
            parse(TrainConfig, [*FOLDERS, f"--{name}", value], {})


def test_the_defaults_are_those_of_the_documentation():
    config = parse(TrainConfig, FOLDERS, {})
    assert (config.batch_size, config.learning_rate, config.epochs) == (32, 2e-5, 3)
    assert (config.patience > 0, config.checkpoint_dir) == (True, None)


def test_torchrun_starts_one_process_per_gpu_of_each_host():
    assert launcher({}) == [sys.executable, "-m", "sagemaker_jobs.train"]
    assert launcher({"SM_NUM_GPUS": "0", "SM_HOSTS": '["algo-1"]'})[1:3] == [
        "-m",
        "sagemaker_jobs.train",
    ]
    four = launcher({"SM_NUM_GPUS": "4"})
    assert four[1:] == [
        "-m", "sagemaker_jobs.train.agent", "--standalone", "--nproc-per-node=4",
        "-m", "sagemaker_jobs.train",
    ]  # fmt: skip
    hosts = {"SM_HOSTS": '["algo-2", "algo-1"]', "SM_CURRENT_HOST": "algo-2", "SM_NUM_GPUS": "8"}
    assert {"--nnodes=2", "--node-rank=1", "--master-addr=algo-1", "--nproc-per-node=8"} <= set(
        launcher(hosts)
    )
    with pytest.raises(ValueError, match="algo-3 is not one of SM_HOSTS"):
        launcher({**hosts, "SM_CURRENT_HOST": "algo-3"})


@pytest.fixture
def opt_ml(tmp_path, data, options):
    """The folder /opt/ml of a job."""
    by_option = dict(zip(options[::2], options[1::2], strict=True))
    del by_option["--train-dir"]
    values = {name.strip("-").replace("-", "_"): value for name, value in by_option.items()}
    values |= {"epochs": "1", "sagemaker_program": "container.py"}
    config = tmp_path / "input/config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(values))
    resources = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
    (config / "resourceconfig.json").write_text(json.dumps(resources))
    (tmp_path / "input/data").mkdir()
    (tmp_path / "input/data/training").symlink_to(data)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path


def test_a_container_trains_from_the_files_of_sagemaker(opt_ml):
    assert container(["train"], opt_ml) == 0
    assert json.loads((opt_ml / "model/run.json").read_text())["parameters"]["epochs"] == 1
    assert list((opt_ml / "checkpoints").glob("step-*.safetensors"))
    assert not (opt_ml / "output/failure").exists()


def test_a_failed_job_writes_its_reason(opt_ml):
    arguments = [*hyperparameters(opt_ml), "--frozen_layers", "7"]
    assert container(arguments, opt_ml) == 1
    reason = (opt_ml / "output/failure").read_text()
    assert "frozen_layers: 7 cannot be frozen" in reason


def test_a_host_with_gpus_that_torch_cannot_use_does_not_train(opt_ml, monkeypatch):
    monkeypatch.setenv("SM_NUM_GPUS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # torch finds none, as with an older driver
    assert container(["train"], opt_ml) == 1
    reason = (opt_ml / "output/failure").read_text()
    assert "this host has 1 GPUs, but torch" in reason
    assert "needs a newer driver" in reason
    assert not (opt_ml / "model/run.json").exists()


def test_a_gpu_instance_without_a_visible_gpu_does_not_train(opt_ml, monkeypatch):
    monkeypatch.setenv("SM_NUM_GPUS", "0")
    file = opt_ml / "input/config/resourceconfig.json"
    file.write_text(
        json.dumps({**json.loads(file.read_text()), "current_instance_type": "ml.g5.xlarge"})
    )
    assert container(["train"], opt_ml) == 1
    reason = (opt_ml / "output/failure").read_text()
    assert reason.startswith("ml.g5.xlarge has GPUs, but this container sees none")
    assert not (opt_ml / "model/run.json").exists()


def test_a_wrong_option_is_written_as_the_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("SM_OUTPUT_DIR", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["--learning-rat", "1"])
    assert "--learning-rat" in (tmp_path / "failure").read_text()
    with pytest.raises(ValueError, match="train_dir"):
        main([])
    assert "--learning-rat" in (tmp_path / "failure").read_text()  # the first reason stays


def test_the_metric_definitions_match_the_log(options, tmp_path, caplog):
    with caplog.at_level("INFO", logger="train"):
        assert main([*options, "--output-dir", str(tmp_path)]) == 0
    lines = [
        json.loads(x) for x in (tmp_path / "logs/train_metrics.jsonl").read_text().splitlines()
    ]
    messages = [record.getMessage() for record in caplog.records]
    for metric in METRIC_DEFINITIONS:
        values = [float(hit[1]) for line in messages if (hit := re.search(metric["Regex"], line))]
        field = re.match(r'"(\w+)"', metric["Regex"])[1]
        assert values, metric
        assert values == [line[field] for line in lines if field in line]


def test_the_metrics_contain_the_progress_of_a_run(run_dir):
    lines = [json.loads(x) for x in (run_dir / "logs/train_metrics.jsonl").read_text().splitlines()]
    assert {line["event"] for line in lines} == {"step", "validation", "epoch"}
    assert [line["step"] for line in lines] == sorted(line["step"] for line in lines)
    assert all((line["epochs"], line["steps"]) == (6, 90) for line in lines)


def test_a_run_records_hashes_and_environment(run_dir, base):
    record = json.loads((run_dir / "run.json").read_text())
    hashes = ("train_text_sha256", "validation_text_sha256", "wide_text_sha256", "base_sha256")
    assert all(re.fullmatch("[0-9a-f]{64}", record[name]) for name in hashes)
    assert record["environment"]["device"] == "cpu"
    assert record["environment"]["precision"] in ("bf16", "float32")
    assert not {"train_dir", "output_dir", "checkpoint_dir"} & record["parameters"].keys()
