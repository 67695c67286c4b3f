"""An interrupted training resumes to the same result, or fails with a reason."""

import json
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.checkpoint import (
    CheckpointError,
    latest,
    load_teacher,
    save,
    save_teacher,
)

EPOCHS = "12"


@pytest.fixture(scope="module")
def long(options):
    """A run of 180 steps with every kind of state: noise, dropout, drawn rows, early stopping."""
    return [
        *options, "--epochs", EPOCHS, "--log-steps", "1", "--dropout", "0.1", "--wide", "false",
        "--augment-share", "0.3", "--class-weights", "draw", "--patience", "20",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(long, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert main([*long, "--output-dir", str(folder)]) == 0
    return folder


def lines_of(run):
    """The lines of metrics without their times."""
    lines = (run / "logs/train_metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(x).items() if k != "seconds"} for x in lines]


def same_weights(first, second):
    a, b = (load_file(run / "model.safetensors") for run in (first, second))
    return a.keys() == b.keys() and all(a[name].equal(b[name]) for name in a)


def start_training(arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "sagemaker_jobs.train", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process, condition):
    deadline = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_resumes_to_the_same_result(long, uninterrupted, tmp_path, sign):
    checkpoints, first, second = (tmp_path / name for name in ("checkpoints", "first", "second"))
    every = "7" if sign == signal.SIGKILL else "1000"
    arguments = [*long, "--checkpoint-dir", str(checkpoints), "--checkpoint-steps", every]
    process = start_training([*arguments, "--output-dir", str(first)])
    metrics = first / "logs/train_metrics.jsonl"
    wait_for(process, lambda: metrics.is_file() and '"step": 20,' in metrics.read_text())
    process.send_signal(sign)
    errors = process.communicate(timeout=180)[1]
    assert process.returncode == (-9 if sign == signal.SIGKILL else 143), errors
    assert not (first / "model.safetensors").exists()
    step = latest(checkpoints).state["step"]
    assert 14 <= step < 180
    assert main([*arguments, "--output-dir", str(second)]) == 0
    assert lines_of(second) == lines_of(uninterrupted)
    assert same_weights(second, uninterrupted)


def test_a_finished_run_is_not_trained_again(options, tmp_path):
    checkpoints = tmp_path / "checkpoints"
    arguments = [*options, "--checkpoint-dir", str(checkpoints)]
    for name in ("first", "second"):
        assert main([*arguments, "--output-dir", str(tmp_path / name)]) == 0
    assert same_weights(tmp_path / "first", tmp_path / "second")
    assert lines_of(tmp_path / "first") == lines_of(tmp_path / "second")


def test_a_checkpoint_of_other_parameters_or_data_is_rejected(options, data, tmp_path):
    checkpoints = str(tmp_path / "checkpoints")
    arguments = [*options, "--epochs", "1", "--checkpoint-dir", checkpoints]
    arguments += ["--output-dir", str(tmp_path / "run")]
    assert main(arguments) == 0
    with pytest.raises(CheckpointError, match=r"learning_rate was 0\.003, is 0\.001"):
        main([*arguments, "--learning-rate", "1e-3"])
    other = tmp_path / "other"
    other.mkdir()
    for name in ("train", "validation"):
        (other / f"{name}.parquet").symlink_to(data / "validation.parquet")
    with pytest.raises(CheckpointError, match=r"train\.parquet was [0-9a-f]{64}, is [0-9a-f]{64}"):
        main([*arguments, "--train-dir", str(other)])


def test_a_truncated_checkpoint_falls_back_to_the_previous_one(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step, {"a": torch.full((3,), float(step))}, {"step": step})
    last = tmp_path / "step-00000003.safetensors"
    last.write_bytes(last.read_bytes()[:-4])
    checkpoint = latest(tmp_path)
    assert checkpoint.state == {"step": 2}
    assert checkpoint.tensors["a"].tolist() == [2, 2, 2]
    checkpoint.path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="none of the 2 checkpoints"):
        latest(tmp_path)


def test_other_files_are_not_read_as_checkpoints(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "step-7.safetensors")
    (tmp_path / ".partial").write_bytes(b"half")
    assert latest(tmp_path) is None
    assert latest(tmp_path / "nowhere") is None


def test_the_base_embeddings_are_saved_for_a_resumed_run(options, tmp_path, caplog):
    checkpoints = ["--checkpoint-dir", str(tmp_path / "checkpoints")]
    computed = []
    for name, seed in (("first", "1"), ("again", "1"), ("another", "2")):
        arguments = [*options, "--epochs", "1", "--seed", seed, "--wide", "false"]
        caplog.clear()
        for file in tmp_path.glob("checkpoints/step-*"):
            file.unlink()
        with caplog.at_level("INFO", logger="train"):
            assert main([*arguments, *checkpoints, "--output-dir", str(tmp_path / name)]) == 0
        computed.append("base embeddings" in caplog.text)
    assert computed == [True, False, True]
    assert same_weights(tmp_path / "first", tmp_path / "again")


def test_a_truncated_teacher_is_ignored(tmp_path):
    save_teacher(tmp_path, torch.ones(2, 3), {"seed": 1})
    assert load_teacher(tmp_path, {"seed": 1}).equal(torch.ones(2, 3))
    path = tmp_path / "teacher.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    assert load_teacher(tmp_path, {"seed": 1}) is None
