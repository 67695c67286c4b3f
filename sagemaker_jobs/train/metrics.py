"""What a run says of itself while it goes on: log lines, a file of JSON lines, a progress bar."""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any, TypedDict

from tqdm import tqdm  # type: ignore[import-untyped]

log = logging.getLogger("train")


class MetricsState(TypedDict):
    """What a checkpoint keeps of the metrics: a run that goes on has the whole story."""

    lines: list[dict[str, Any]]
    sums: dict[str, float]
    count: int
    seconds: float


class Metrics:
    """Sums the losses; writes a line per ``log_steps`` steps, per look and per epoch.

    Each line has ``event`` (step, validation or epoch), ``epoch`` (from 0), ``epochs``, ``step``
    (those done), ``steps`` and ``seconds`` of training; a step line has the mean losses since the
    last one, the others what the caller names. A terminal gets a progress bar.
    """

    def __init__(self, path: Path, epochs: int, steps: int, log_steps: int) -> None:
        self._path, self._epochs, self._steps, self._log_steps = path, epochs, steps, log_steps
        self._started = time.monotonic()
        self._state: MetricsState = {"lines": [], "sums": {}, "count": 0, "seconds": 0.0}
        self._bar = tqdm(total=steps, unit="step", disable=not sys.stderr.isatty())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def restore(self, state: MetricsState, step: int) -> None:
        """Go on from a checkpoint: the file gets the lines that led to it."""
        self._state = state
        self._started = time.monotonic() - state["seconds"]
        self._path.write_text("".join(f"{json.dumps(line)}\n" for line in state["lines"]))
        self._bar.update(step)

    def state(self) -> MetricsState:
        """What restore takes."""
        return {**self._state, "seconds": time.monotonic() - self._started}

    def add(self, epoch: int, step: int, losses: dict[str, float], *, ended: bool) -> None:
        """Count one step; ``step`` are those done, and ``ended`` says that the epoch is too."""
        state = self._state
        state["count"] += 1
        for name, loss in losses.items():
            state["sums"][name] = state["sums"].get(name, 0.0) + loss
        self._bar.update()
        if ended or step % self._log_steps == 0:
            means = {n: round(total / state["count"], 5) for n, total in state["sums"].items()}
            state["sums"], state["count"] = {}, 0
            self.write("step", epoch, step, means)

    def write(self, event: str, epoch: int, step: int, values: dict[str, float]) -> None:
        """One line, to the log and to the file."""
        line = {
            "event": event,
            "epoch": epoch,
            "epochs": self._epochs,
            "step": step,
            "steps": self._steps,
            "seconds": round(time.monotonic() - self._started, 1),
            **values,
        }
        self._state["lines"].append(line)
        log.info("%s", json.dumps(line))
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.close()
