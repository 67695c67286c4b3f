"""The folder of one training run on this machine: its paths, description and state."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.state import write_atomically
from shared.schemas.training import TrainingState


@dataclass(frozen=True, slots=True)
class RunState:
    """What the supervisor writes down. A process is told by id and time of its start."""

    supervisor: tuple[int, float] | None = None
    job: tuple[int, float] | None = None
    started_at: str | None = None
    finished_at: str | None = None
    status: int | None = None
    stopped: bool = False
    problem: str | None = None


class RunFolder:
    """Paths of a run, its description and its state."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        self.cancel = root / "cancel"
        self.model = root / "model"
        self.output = root / "output"
        self.checkpoints = root / "checkpoints"
        self.temporary = root / "tmp"
        self._description = root / "job.json"
        self._state = root / "state.json"

    @property
    def exists(self) -> bool:
        """Whether the run was described."""
        return self._description.is_file()

    def describe(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        """Write down what is to be run."""
        body = {"command": list(command), "environment": dict(environment), "cwd": str(cwd)}
        write_atomically(self._description, json.dumps(body).encode(), mode=0o600)

    def description(self) -> dict[str, Any]:
        """What is to be run: command, environment, cwd."""
        found: dict[str, Any] = json.loads(self._description.read_text())
        return found

    @property
    def age(self) -> float:
        """Seconds since the run was described."""
        return time.time() - self._description.stat().st_mtime

    def state(self) -> RunState:
        """What was written down last."""
        with suppress(FileNotFoundError):
            return RunState(**json.loads(self._state.read_text()))
        return RunState()

    def keep(self, state: RunState) -> None:
        """Write the state down."""
        write_atomically(self._state, json.dumps(asdict(state)).encode())


def run_of(root: Path, record: object) -> str | None:
    """The run below a folder that left this record (its run.json); None where none did.

    Training writes the record, and the export takes it over whole into the manifest: its losses,
    hashes and versions tell one run from another.
    """
    if not record:
        return None
    for path in sorted(root.glob("train_*"), reverse=True):
        with suppress(OSError, ValueError):
            if json.loads((RunFolder(path).model / "run.json").read_text()) == record:
                return path.name
    return None


def verdict(state: RunState) -> TrainingState:
    """What a state says of its run."""
    if not state.finished_at:
        return TrainingState.RUNNING if state.job else TrainingState.STARTED
    if state.stopped:
        return TrainingState.CANCELLED
    return TrainingState.COMPLETED if state.status == 0 else TrainingState.FAILED


def now() -> str:
    """The current time, as states hold it."""
    return datetime.now(UTC).isoformat()
