"""What tests of training share: a local launcher whose jobs obey, and settings for SageMaker."""

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
PATIENCE = 60.0
ENOUGH = {
    "training_image_uri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/train:1",
    "training_role_arn": "arn:aws:iam::123456789012:role/train",
    "training_data_uri": "s3://data/reviews/",
    "training_output_uri": "s3://artefacts/training/",
}


def wait_until(ask, *, what):
    """Ask until the answer is truthy, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.02)
    return answer


def job(number=1, **parameters):
    """A job of one day."""
    return Job(f"train_20260310_{number:03}", TrainingParameters(**parameters))


def sagemaker_settings(**values):
    """Settings with all that SageMaker needs."""
    return TrainingSettings(database_secret_id="none", **(ENOUGH | values))


def obedient_python(folder):
    """An interpreter that runs fakes/training_job.py, whatever module it is asked for."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{JOB}" "$@"\n')
    path.chmod(0o755)
    return path


def data_folder(folder, rows=10):
    """The channel ``train``: the rows are counted, never read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "validation"):
        table = pa.table({"text": ["t"] * rows, "sentiment": ["neutral"] * rows})
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def alive(pid):
    """Whether a process runs (one that has ended and is not waited for does not)."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


class LocalJobs:
    """A LocalLauncher below a folder, and its jobs, which do what they are told."""

    def __init__(self, folder, keep=5):
        self.folder = folder
        self.keep = keep
        self.root = folder / "training"
        encoder = folder / "encoders" / "own-encoder"
        encoder.mkdir(parents=True)
        (encoder / "config.json").write_text("{}")
        self.python = obedient_python(folder)
        self.data = data_folder(folder / "data")
        self.launcher = self.another()

    def another(self):
        """A launcher of another process: it knows what the folder says."""
        return LocalLauncher(
            self.root,
            python=self.python,
            data=self.data,
            encoders=self.folder / "encoders",
            keep=self.keep,
        )

    def output(self, name):
        return self.root / name / "output"

    def started(self, name):
        """What the job was started with."""
        path = self.output(name) / "started.json"
        wait_until(path.exists, what=f"start of {name}")
        return json.loads(path.read_text())

    def tell(self, name, *orders):
        """Give orders and wait until each was obeyed (but for those that end the job)."""
        self.started(name)
        with (self.output(name) / "do").open("a") as out:
            out.writelines(f"{order}\n" for order in orders)
        if not orders[-1].startswith(("exit", "raise")):
            done = self.output(name) / "done"
            wait_until(
                lambda: done.exists() and done.read_text() == orders[-1], what=f"{orders[-1]!r}"
            )

    def state(self, name):
        """What the supervisor wrote down."""
        path = self.root / name / "state.json"
        wait_until(path.exists, what=f"supervisor of {name}")
        return json.loads(path.read_text())

    def pids(self, name):
        """(supervisor, job) of a run that has started."""
        self.started(name)
        found = wait_until(lambda: self.state(name)["job"], what=f"job of {name}")
        return self.state(name)["supervisor"][0], found[0]

    def kill(self, pid, number=signal.SIGKILL):
        os.kill(pid, number)
        wait_until(lambda: not alive(pid), what=f"end of {pid}")

    def report_at_end(self, name):
        """The report of a run that is about to end."""

        def ended():
            found = self.launcher.report(name)
            return found if found.state.is_final else None

        return wait_until(ended, what=f"end of {name}")

    def end(self):
        """Leave nothing running, not even what was just about to start."""
        for path in self.root.glob("train_*"):
            if (path / "job.json").exists():
                self._end(path)

    def _end(self, run):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            state = run / "state.json"
            found = json.loads(state.read_text()) if state.exists() else {}
            if found.get("job") or found.get("finished_at"):
                break
            time.sleep(0.02)
        for name in ("supervisor", "job"):
            pid, started = found.get(name) or (None, None)
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                if pid and abs(psutil.Process(pid).create_time() - started) < 1:
                    os.killpg(pid, signal.SIGKILL)
