"""Helpers for tests of training: a local launcher with controllable jobs, SageMaker settings."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from lambdas.training.launcher import Job
from lambdas.training.settings import TrainingSettings
from local.training.launcher import LocalLauncher
from shared.schemas.training import TrainingParameters

JOB = Path(__file__).parent / "fakes" / "training_job.py"
TIMEOUT_SECONDS = 180.0
SAGEMAKER_VALUES = {
    "training_image_uri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/train:1",
    "training_role_arn": "arn:aws:iam::123456789012:role/train",
    "training_data_uri": "s3://data/reviews/",
    "training_output_uri": "s3://artefacts/training/",
}


def wait_until(condition, *, what):
    """Wait until the condition is truthy, and return its value."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {TIMEOUT_SECONDS} s"
        time.sleep(0.02)
    return value


def job(number=1, **parameters):
    """A job with the given number of the day."""
    return Job(f"train_20260310_{number:03}", TrainingParameters(**parameters))


def sagemaker_settings(**values):
    """Settings with all values that SageMaker needs."""
    return TrainingSettings(database_secret_id="none", **(SAGEMAKER_VALUES | values))


def fake_python(folder):
    """An interpreter that always runs fakes/training_job.py."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{JOB}" "$@"\n')
    path.chmod(0o755)
    return path


def data_folder(folder, rows=10):
    """Folder of the channel ``train``; its rows are counted but not read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "validation"):
        table = pa.table({"text": ["t"] * rows, "sentiment": ["neutral"] * rows})
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def is_alive(pid):
    """Whether a process runs (a zombie does not)."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


class LocalJobs:
    """A LocalLauncher below a folder, and its jobs, which run commands of the test."""

    def __init__(self, folder, keep=5):
        self.folder = folder
        self.keep = keep
        self.root = folder / "training"
        encoder = folder / "encoders" / "own-encoder"
        encoder.mkdir(parents=True)
        (encoder / "config.json").write_text("{}")
        self.python = fake_python(folder)
        self.data = data_folder(folder / "data")
        self.launcher = self.new_launcher()

    def new_launcher(self):
        """A new launcher on the same folder, like one in another process."""
        return LocalLauncher(
            self.root,
            python=self.python,
            data=self.data,
            encoders=self.folder / "encoders",
            keep=self.keep,
        )

    def output(self, name):
        return self.root / name / "output"

    def start_of(self, name):
        """Arguments and environment with which the job was started."""
        path = self.output(name) / "started.json"
        wait_until(path.exists, what=f"start of {name}")
        return json.loads(path.read_text())

    def send(self, name, *commands):
        """Send commands and wait until they are done (except those that end the job)."""
        self.start_of(name)
        with (self.output(name) / "do").open("a") as out:
            out.writelines(f"{command}\n" for command in commands)
        if not commands[-1].startswith(("exit", "raise")):
            done = self.output(name) / "done"
            wait_until(
                lambda: done.exists() and done.read_text() == commands[-1], what=f"{commands[-1]!r}"
            )

    def state(self, name):
        """The state recorded by the supervisor."""
        path = self.root / name / "state.json"
        wait_until(path.exists, what=f"supervisor of {name}")
        return json.loads(path.read_text())

    def pids(self, name):
        """Process ids of the supervisor and the job of a started run."""
        self.start_of(name)
        job_process = wait_until(lambda: self.state(name)["job"], what=f"job of {name}")
        return self.state(name)["supervisor"][0], job_process[0]

    def kill(self, pid, number=signal.SIGKILL):
        os.kill(pid, number)
        wait_until(lambda: not is_alive(pid), what=f"end of {pid}")

    def report_at_end(self, name):
        """Wait for the end of a run and return its report."""

        def final_report():
            report = self.launcher.report(name)
            return report if report.state.is_final else None

        return wait_until(final_report, what=f"end of {name}")

    def end(self):
        """End all runs, including those that are just starting."""
        for path in self.root.glob("train_*"):
            if (path / "job.json").exists():
                self._end_run(path)

    def _end_run(self, run):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            path = run / "state.json"
            state = json.loads(path.read_text()) if path.exists() else {}
            if state.get("job") or state.get("finished_at"):
                break
            time.sleep(0.02)
        for name in ("supervisor", "job"):
            pid, started = state.get(name) or (None, None)
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                if pid and abs(psutil.Process(pid).create_time() - started) < 1:
                    os.killpg(pid, signal.SIGKILL)
