"""The folder of one training run on this machine: its paths, description and state."""

import json
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from local.files import write_atomically
from shared.schemas.training import TrainingState


def _check_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Time = Annotated[str, AfterValidator(_check_time)]


@dataclass(frozen=True, slots=True)
class RunState:
    """State recorded by the supervisor; a process is identified by id and creation time."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    supervisor: tuple[int, float] | None = None
    job: tuple[int, float] | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    status: Annotated[int, Field(gt=-signal.NSIG, le=255)] | None = None
    stopped: bool = False
    problem: str | None = None


_STATE = TypeAdapter(RunState)


class RunFolder:
    """The folder of one run: its paths, description and state."""

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
        """Whether the run has a description."""
        return self._description.is_file()

    def write_description(
        self, command: Sequence[str], environment: Mapping[str, str], cwd: Path
    ) -> None:
        """Store the command of the run, its environment and its working directory."""
        body = {"command": list(command), "environment": dict(environment), "cwd": str(cwd)}
        write_atomically(self._description, json.dumps(body).encode(), mode=0o600)

    def read_description(self) -> dict[str, Any]:
        """The stored description: command, environment, cwd."""
        description: dict[str, Any] = json.loads(self._description.read_text())
        return description

    @property
    def age_seconds(self) -> float:
        """Seconds since the description was written."""
        return time.time() - self._description.stat().st_mtime

    def read_state(self) -> RunState:
        """The last stored state; a run whose state is damaged counts as failed."""
        try:
            state = _STATE.validate_json(self._state.read_bytes())
        except FileNotFoundError:
            return RunState()
        except ValidationError:
            ended = datetime.fromtimestamp(self._state.stat().st_mtime, UTC).isoformat()
            return RunState(finished_at=ended, problem=f"{self._state.name} is damaged")
        return state

    def write_state(self, state: RunState) -> None:
        """Store the state."""
        write_atomically(self._state, json.dumps(asdict(state)).encode())


def find_run(root: Path, record: object) -> str | None:
    """Name of the run below ``root`` whose run.json equals this record; None if there is none.

    Training writes the record and the export copies it into the manifest. Its losses, hashes and
    versions identify the run.
    """
    if not record:
        return None
    for path in sorted(root.glob("train_*"), reverse=True):
        with suppress(OSError, ValueError):
            if json.loads((RunFolder(path).model / "run.json").read_text()) == record:
                return path.name
    return None


def training_state(state: RunState) -> TrainingState:
    """The API's training state for the recorded state of a run."""
    if not state.finished_at:
        return TrainingState.RUNNING if state.job else TrainingState.STARTED
    if state.stopped:
        return TrainingState.CANCELLED
    return TrainingState.COMPLETED if state.status == 0 else TrainingState.FAILED


def utc_now() -> str:
    """The current time in ISO 8601, as stored in RunState."""
    return datetime.now(UTC).isoformat()
