"""Answers labelled texts with a fast model, an accurate one and a cascade of both, in turns."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.children.measure import read_task, write_result
from sagemaker_jobs.evaluate.metrics import confusion_matrix, scores
from shared.runtime.cascade import Cascade
from shared.runtime.decisions import Decided, decide_each
from shared.runtime.encoder import Encoder, open_folder
from shared.schemas.decisions import Kind
from shared.schemas.sentiment import LABELS, Sentiment

THRESHOLDS = (0.6, 0.7, 0.8, 0.9, 0.95)


def read_texts(path: Path, limit: int | None) -> tuple[list[str], list[Kind], np.ndarray]:
    """Texts, kinds and labels of a Parquet file; at most ``limit`` rows, evenly spaced."""
    rows = pq.read_table(path).to_pylist()
    if limit is not None and limit < len(rows):
        rows = [rows[place * len(rows) // limit] for place in range(limit)]
    kinds = [Kind.SENTENCE if row.get("kind") == Kind.SENTENCE else Kind.REVIEW for row in rows]
    labels = np.asarray([LABELS.index(Sentiment(row["sentiment"])) for row in rows])
    return [row["text"] for row in rows], kinds, labels


def figures(decided: Decided, labels: np.ndarray) -> dict[str, float]:
    """Accuracy and macro-F1."""
    values = scores(confusion_matrix(labels, decided.labels))
    return {name: float(values[name]) for name in ("accuracy", "macro_f1")}


class Runner:
    """The two models and the texts."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.fast, self.accurate = (open_folder(Path(task[name])) for name in ("fast", "accurate"))
        limit = task["rows"]
        self.texts, self.kinds, self.labels = read_texts(Path(task["labelled"]), limit)

    def alone(self, model: Encoder) -> Decided:
        """The decisions of one model."""
        encoded = model.encode(self.texts)
        return decide_each(model.decisions, self.kinds, encoded.probabilities)

    def cascade(self, first: Decided | None = None, below: float | None = None) -> dict[str, Any]:
        """Figures of the cascade, and the share of texts that the fast model answers."""
        decided = first or self.alone(self.fast)
        readable: Sequence[bool] = [True] * len(self.texts)
        answers = Cascade(self.accurate, below).answer(self.texts, self.kinds, decided, readable)
        share = 1 - float(answers.by_second.mean())
        return {**figures(answers.decided, self.labels), "by_fast": share}


def main() -> None:
    task = read_task()
    runner = Runner(task)
    first = runner.alone(runner.fast)
    result: dict[str, Any] = {
        "texts": len(runner.texts),
        "fast": figures(first, runner.labels),
        "accurate": figures(runner.alone(runner.accurate), runner.labels),
        "cascade": runner.cascade(first),
        "thresholds": {str(below): runner.cascade(first, below) for below in THRESHOLDS},
    }
    parts: dict[str, Callable[[], object]] = {
        "fast": lambda: runner.alone(runner.fast),
        "accurate": lambda: runner.alone(runner.accurate),
        "cascade": runner.cascade,
    }
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for number in range(task["rounds"]):
        for name in list(parts) if number % 2 else reversed(list(parts)):
            started = time.perf_counter()
            parts[name]()
            seconds[name].append(time.perf_counter() - started)
    write_result({**result, "seconds": seconds})


if __name__ == "__main__":
    main()
