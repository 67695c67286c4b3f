"""Training jobs on this machine: one at a time, each a process with a folder of its own.

The folder holds everything that is known of a run (local.training.folder), so that any process can
tell of it and a run outlives the stack that started it.
"""

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from lambdas.training.launcher import Job, Report
from local.training.folder import RunFolder
from local.training.report import report_of
from shared.errors import ConflictError, UnavailableError
from shared.settings.base import ServiceSettings

CHECKOUT = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH")
_KEPT_PREFIXES = ("LC_", "HF_", "TRANSFORMERS_", "OMP_", "MKL_", "CUDA_", "NVIDIA_", "TORCH_")
_LOCK_PATIENCE_SECONDS = 2.0
_BUSY = "{} runs; wait for its end, or cancel it"
_DATA_FILES = ("train.parquet", "validation.parquet")


class LocalTrainingSettings(ServiceSettings):
    """Where local runs are kept, and what they work with; defaults are those of a checkout."""

    training_dir: Path = Path(".reviewlens/training")
    train_python: Path = CHECKOUT / ".venv-train" / "bin" / "python"
    train_data: Path = CHECKOUT / ".data"
    train_encoders: Path = CHECKOUT / "encoders"
    train_keep: int = Field(5, ge=1)
    """How many completed or failed runs keep weights and checkpoints."""


def launcher() -> "LocalLauncher":
    """Make the launcher that the environment describes (REVIEWLENS_TRAINING_LAUNCHER)."""
    settings = LocalTrainingSettings()
    return LocalLauncher(
        settings.training_dir,
        python=settings.train_python,
        data=settings.train_data,
        encoders=settings.train_encoders,
        keep=settings.train_keep,
    )


class LocalLauncher:
    """Runs ``python -m sagemaker_jobs.train`` as SageMaker would: SM_* variables and channels."""

    name = "local"

    def __init__(
        self, root: Path, *, python: Path, data: Path, encoders: Path, keep: int = 5
    ) -> None:
        """Prepare the launcher.

        Args:
            root: keeps a folder for each run.
            python: interpreter of an environment that has the extra ``train``.
            data: the channel ``train``.
            encoders: has a folder for each registered encoder.
            keep: how many completed or failed runs keep weights and checkpoints.
        """
        self._keep = keep
        self._root, self._python, self._data, self._encoders = (
            path.expanduser().absolute() for path in (root, python, data, encoders)
        )

    def ready(self) -> None:
        """Raise where a run is active, or environment or data are missing; says how to get them."""
        if not os.access(self._python, os.X_OK):
            raise UnavailableError(
                "there is no training environment here: `make test-train` makes one in "
                ".venv-train; or REVIEWLENS_TRAIN_PYTHON names the python of an environment with "
                "the extra `train`"
            )
        missing = [name for name in _DATA_FILES if not (self._data / name).is_file()]
        if missing:
            raise UnavailableError(
                f"there is no training data here ({', '.join(missing)}): "
                "`python scripts/model/prepare_training_data.py DATA_SETS .data` makes it; or "
                "REVIEWLENS_TRAIN_DATA names the folder"
            )

        if holder := self._active():
            raise ConflictError(_BUSY.format(holder))

    def encoders(self) -> Collection[str]:
        """Names of the folders with an encoder."""
        return frozenset(path.parent.name for path in self._encoders.glob("*/config.json"))

    def rows(self) -> int:
        """Reviews of an epoch: those of the data, or as many as the job draws by default."""
        import pyarrow.parquet as pq

        from sagemaker_jobs.train.config import TrainConfig

        drawn: int = sum(TrainConfig.model_fields["class_counts"].default.values())
        try:
            found: int = pq.read_metadata(self._data / _DATA_FILES[0]).num_rows
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{_DATA_FILES[0]} cannot be read") from error
        return min(drawn or found, found)  # none to draw: all

    def start(self, job: Job) -> None:
        """Start the run in the background.

        Raises:
            ConflictError: another run is active.
        """
        run = RunFolder(self._root / job.training_id)
        if run.exists:
            return
        self._root.mkdir(parents=True, exist_ok=True)
        lock = self._lock()
        try:
            self._describe(run, job)
            self._spawn(run, lock)
        except OSError as error:
            raise UnavailableError(f"the run cannot be started ({error.strerror})") from error
        finally:
            os.close(lock)  # the run has its own copy

    def report(self, training_id: str) -> Report | None:
        """What the run's folder tells; None where there is none."""
        run = RunFolder(self._root / training_id)
        return report_of(run) if run.exists else None

    def stop(self, training_id: str) -> None:
        """Ask the run to end; its supervisor sees to it within a second."""
        run = RunFolder(self._root / training_id)
        if run.exists and not run.state().finished_at:
            run.cancel.touch()

    def _lock(self) -> int:
        """The lock that the active run and its processes hold; the kernel frees it when they end.

        Raises:
            ConflictError: a run is active; names it.
        """
        descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            holder = self._active()
            if holder or time.monotonic() > deadline:
                os.close(descriptor)
                raise ConflictError(_BUSY.format(holder or "another training"))
            time.sleep(0.05)  # it is ending just now

    def _active(self) -> str | None:
        """The run that has not ended; what a killed supervisor left running is ended by asking."""
        for path in sorted(self._root.glob("train_*"), reverse=True):
            run = RunFolder(path)
            ended = not run.exists or run.state().finished_at
            if not ended and not report_of(run).state.is_final:
                return path.name
        return None

    def _describe(self, run: RunFolder, job: Job) -> None:
        for folder in (run.model, run.output, run.checkpoints, run.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        name = job.parameters.model_name
        registered = name in self.encoders()
        values = job.hyperparameters(str(self._encoders / name) if registered else name)
        options = [part for key, value in values.items() for part in (f"--{key}", f"{value}")]
        command = [str(self._python), "-m", "sagemaker_jobs.train", *options]
        environment = _kept(os.environ) | {
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(run.temporary),
            "TRAINING_JOB_NAME": job.training_id,
            "SM_CHANNELS": '["train"]',
            "SM_CHANNEL_TRAIN": str(self._data),
            "SM_MODEL_DIR": str(run.model),
            "SM_OUTPUT_DIR": str(run.output),
            "SM_OUTPUT_DATA_DIR": str(run.output),
            "SM_CHECKPOINT_DIR": str(run.checkpoints),
            "SM_HPS": json.dumps(values),
            "SM_HOSTS": '["algo-1"]',
            "SM_CURRENT_HOST": "algo-1",
        }
        run.describe(command, environment, CHECKOUT)

    def _spawn(self, run: RunFolder, lock: int) -> None:
        with run.log.open("ab") as log:
            supervisor = subprocess.Popen(  # noqa: S603 - our own module
                [
                    sys.executable,
                    "-m",
                    "local.training.run",
                    str(run.root),
                    str(lock),
                    str(self._keep),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env=_kept(os.environ),
                pass_fds=[lock],
                start_new_session=True,  # it outlives us
            )
        threading.Thread(target=supervisor.wait, name="training", daemon=True).start()


def _kept(outer: Mapping[str, str]) -> dict[str, str]:
    """What a job may know of our environment: no secret, no address of the stack."""
    return {
        name: value
        for name, value in outer.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
