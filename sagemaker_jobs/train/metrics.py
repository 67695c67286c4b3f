"""Progress of a run: log lines, a file of JSON lines, a progress bar."""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any, TypedDict

from tqdm import tqdm  # type: ignore[import-untyped]

log = logging.getLogger("train")


class MetricsState(TypedDict):
    """Metrics in a checkpoint, so that a resumed run has all its lines."""

    lines: list[dict[str, Any]]
    sums: dict[str, float]
    count: int
    seconds: float


class Metrics:
    """Sums the losses; writes a line per ``log_steps`` steps, validation and epoch.

    Each line has ``event`` (step, validation or epoch), ``epoch`` (from 0), ``epochs``, ``step``
    (number done), ``steps`` and ``seconds`` of training; a step line has the mean losses since the
    last one, the others the caller's values. On a terminal there is a progress bar.
    """

    def __init__(self, path: Path, epochs: int, steps: int, log_steps: int) -> None:
        self._path, self._epochs, self._steps, self._log_steps = path, epochs, steps, log_steps
        self._started = time.monotonic()
        self._state: MetricsState = {"lines": [], "sums": {}, "count": 0, "seconds": 0.0}
        self._bar = tqdm(total=steps, unit="step", disable=not sys.stderr.isatty())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def restore(self, state: MetricsState, step: int) -> None:
        """Continue from a checkpoint: rewrites the lines that led to it."""
        self._state = state
        self._started = time.monotonic() - state["seconds"]
        self._path.write_text("".join(f"{json.dumps(line)}\n" for line in state["lines"]))
        self._bar.update(step)

    def state(self) -> MetricsState:
        """State for restore; JSON."""
        return {**self._state, "seconds": time.monotonic() - self._started}

    def add(self, epoch: int, step: int, losses: dict[str, float], *, ended: bool) -> None:
        """Add the losses of a step; ``step`` counts steps done, ``ended`` marks an epoch's last."""
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
        """Write one line to the log and the file."""
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
        """Close the progress bar."""
        self._bar.close()
