"""Several processes train like one, and do not wait for a process that died."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file

from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.checkpoint import latest

TIMEOUT_SECONDS = 80


@pytest.fixture(scope="module")
def arguments(options):
    """A run in float32 without dropout: 240 rows in batches of 17, the last of 2."""
    return [
        *options, "--epochs", "3", "--batch-size", "17", "--log-steps", "1", "--wide", "false",
        "--device", "cpu", "--precision", "float32", "--head-dropout", "0", "--patience", "0",
        "--class-weights", "balanced", "--learning-rate", "1e-3",
    ]  # fmt: skip


def start_container(arguments, tmp_path):
    """Start the container's entry point as on a host with two GPUs; without GPUs it uses gloo."""
    settings = {
        "SM_NUM_GPUS": "2", "SM_HOSTS": '["localhost"]', "SM_CURRENT_HOST": "localhost",
        "SM_OUTPUT_DIR": str(tmp_path / "output"), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "sagemaker_jobs.train.container", *arguments],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(run):
    lines = (run / "logs/train_metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_two_processes_learn_like_one_despite_a_killed_worker(arguments, tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert main([*arguments, "--output-dir", str(alone)]) == 0

    checkpoints = str(tmp_path / "checkpoints")
    shared = [*arguments, "--checkpoint-dir", checkpoints, "--checkpoint-steps", "5"]
    shared += ["--output-dir", str(together)]
    process = start_container(shared, tmp_path)
    log = ""
    for line in process.stderr:
        log += line
        if '"event": "step", "epoch": 0, "epochs": 3, "step": 7,' in line:
            break
    workers = dict(re.findall(r"process (\d) of 2: pid (\d+)", log))
    assert workers.keys() == {"0", "1"}, log
    os.kill(int(workers["1"]), signal.SIGKILL)
    killed = time.monotonic()
    log += process.communicate(timeout=TIMEOUT_SECONDS)[1]
    assert process.returncode == 1, log
    assert time.monotonic() - killed < TIMEOUT_SECONDS
    assert "Signal 9 (SIGKILL)" in log
    reason = (tmp_path / "output/failure").read_text()
    assert reason.startswith(f"process 1 (pid {workers['1']}) was killed by SIGKILL")
    assert 5 <= latest(tmp_path / "checkpoints").state["step"] < 45

    process = start_container(shared, tmp_path)
    log = process.communicate(timeout=TIMEOUT_SECONDS)[1]
    assert process.returncode == 0, log
    assert "resumes from step-" in log
    one, two = lines_of(alone), lines_of(together)
    assert [line["step"] for line in one] == [line["step"] for line in two]
    for a, b in zip(one, two, strict=True):
        for name in set(a) & {"sentiment", "similarity", "validation_loss"}:
            assert b[name] == pytest.approx(a[name], abs=2e-4), (a, b)
    weights, others = (load_file(run / "model.safetensors") for run in (alone, together))
    assert all(
        (weights[name] - others[name]).abs().max() < 0.01
        for name in weights
        if name.startswith("encoder.")
    )
    assert json.loads((together / "run.json").read_text())["environment"]["processes"] == 2
