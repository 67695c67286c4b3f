"""Training jobs on this machine: one at a time, each a process with its own folder.

All information about a run is in its folder (local.training.folder), so that any process can report
on it and a run can outlive the stack that started it.
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
from local.training.report import build_report
from shared.errors import ConflictError, UnavailableError
from shared.settings.base import ServiceSettings

CHECKOUT = Path(__file__).resolve().parents[2]
_INHERITED_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH")
_INHERITED_PREFIXES = ("LC_", "HF_", "TRANSFORMERS_", "OMP_", "MKL_", "CUDA_", "NVIDIA_", "TORCH_")
_LOCK_TIMEOUT_SECONDS = 2.0
_BUSY = "{} is running; wait until it ends, or cancel it"
_DATA_FILES = ("train.parquet", "validation.parquet")


class LocalTrainingSettings(ServiceSettings):
    """Folders, Python and data of local runs; the defaults are those of a checkout."""

    training_dir: Path = Path(".reviewlens/training")
    train_python: Path = CHECKOUT / ".venv-train" / "bin" / "python"
    train_data: Path = CHECKOUT / ".data"
    train_encoders: Path = CHECKOUT / "encoders"
    train_keep: int = Field(5, ge=1)
    """How many completed or failed runs keep weights and checkpoints."""


def launcher() -> "LocalLauncher":
    """Create the launcher from environment variables (named by REVIEWLENS_TRAINING_LAUNCHER)."""
    settings = LocalTrainingSettings()
    return LocalLauncher(
        settings.training_dir,
        python=settings.train_python,
        data=settings.train_data,
        encoders=settings.train_encoders,
        keep=settings.train_keep,
    )


class LocalLauncher:
    """Runs ``python -m sagemaker_jobs.train`` with the SM_* variables and channels of SageMaker."""

    name = "local"

    def __init__(
        self, root: Path, *, python: Path, data: Path, encoders: Path, keep: int = 5
    ) -> None:
        """Prepare the launcher.

        Args:
            root: folder that has a folder for each run.
            python: interpreter of an environment with the extra ``train``.
            data: folder of the channel ``train``.
            encoders: folder that has a folder for each registered encoder.
            keep: how many completed or failed runs keep weights and checkpoints.
        """
        self._keep = keep
        self._root, self._python, self._data, self._encoders = (
            path.expanduser().absolute() for path in (root, python, data, encoders)
        )

    def check_ready(self) -> None:
        """Raise if a run is active, or if the environment or the data is missing.

        Raises:
            ConflictError: a run is active; names it.
            UnavailableError: something is missing; says how to get it.
        """
        check_python(self._python)
        missing = [name for name in _DATA_FILES if not (self._data / name).is_file()]
        if missing:
            raise UnavailableError(
                f"training data is missing ({', '.join(missing)}): create it with "
                "`python scripts/model/prepare_training_data.py DATA_SETS .data`, or set "
                "REVIEWLENS_TRAIN_DATA to the folder that has it"
            )
        if holder := self._active_run():
            raise ConflictError(_BUSY.format(holder))

    def encoders(self) -> Collection[str]:
        """Names of the registered encoders."""
        return frozenset(path.parent.name for path in self._encoders.glob("*/config.json"))

    def count_rows(self) -> int:
        """Reviews in an epoch: all of the training data, or the sample that the job draws of it."""
        import pyarrow.parquet as pq

        from sagemaker_jobs.train.config import TrainConfig

        sample_size: int = sum(TrainConfig.model_fields["class_counts"].default.values())
        try:
            rows: int = pq.read_metadata(self._data / _DATA_FILES[0]).num_rows
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{_DATA_FILES[0]} cannot be read") from error
        return min(sample_size or rows, rows)  # 0: no sampling

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
            self._prepare_folder(run, job)
            self._start_supervisor(run, lock)
        except OSError as error:
            raise UnavailableError(f"the run could not be started ({error.strerror})") from error
        finally:
            os.close(lock)  # the supervisor has its own copy

    def report(self, training_id: str) -> Report | None:
        """Report on a run from its folder; None if there is no such run."""
        run = RunFolder(self._root / training_id)
        return build_report(run) if run.exists else None

    def stop(self, training_id: str) -> None:
        """Request that the run stops; its supervisor checks for this ten times a second."""
        run = RunFolder(self._root / training_id)
        if run.exists and not run.read_state().finished_at:
            run.cancel.touch()

    def _lock(self) -> int:
        """Take the lock that an active run and its processes hold until they end.

        Raises:
            ConflictError: a run is active; names it.
        """
        descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + _LOCK_TIMEOUT_SECONDS
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            holder = self._active_run()
            if holder or time.monotonic() > deadline:
                os.close(descriptor)
                raise ConflictError(_BUSY.format(holder or "another training"))
            time.sleep(0.05)  # a run is just ending

    def _active_run(self) -> str | None:
        """Name of the run that has not ended.

        Reporting on a run whose supervisor was killed ends its leftover processes.
        """
        for path in sorted(self._root.glob("train_*"), reverse=True):
            run = RunFolder(path)
            ended = not run.exists or run.read_state().finished_at
            if not ended and not build_report(run).state.is_final:
                return path.name
        return None

    def _prepare_folder(self, run: RunFolder, job: Job) -> None:
        for folder in (run.model, run.output, run.checkpoints, run.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        name = job.parameters.model_name
        is_registered = name in self.encoders()
        values = job.hyperparameters(str(self._encoders / name) if is_registered else name)
        options = [part for key, value in values.items() for part in (f"--{key}", f"{value}")]
        command = [str(self._python), "-m", "sagemaker_jobs.train", *options]
        environment = inherited_variables(os.environ) | {
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
        run.write_description(command, environment, CHECKOUT)

    def _start_supervisor(self, run: RunFolder, lock: int) -> None:
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
                env=inherited_variables(os.environ),
                pass_fds=[lock],
                start_new_session=True,  # it must outlive this process
            )
        threading.Thread(target=supervisor.wait, name="training", daemon=True).start()


def check_python(python: Path) -> None:
    """Raise an UnavailableError, which says how to create it, without a training environment."""
    if not os.access(python, os.X_OK):
        raise UnavailableError(
            "the training environment is missing: create it in .venv-train with "
            "`make train-env`, or set REVIEWLENS_TRAIN_PYTHON to the Python of an environment "
            "with the extra `train`"
        )


def inherited_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that a job inherits: no secrets and no addresses of the stack."""
    return {
        name: value
        for name, value in environment.items()
        if name in _INHERITED_VARIABLES or name.startswith(_INHERITED_PREFIXES)
    }
