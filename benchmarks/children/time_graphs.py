"""Times graphs in turns: one text on all cores, and batches with one pass per core."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.children.measure import milliseconds, read_task, write_result
from benchmarks.machine import usable_cores
from shared.runtime.encoder import BATCH_SIZE
from shared.runtime.session import open_session

BATCHES = 2
"""Batches for each core that are measured together."""
_FIRST_ID, _LAST_ID = 1000, 20_000
_WARM_PASSES = 5


class Graph:
    """A graph, open twice: with two threads and with one."""

    def __init__(self, path: Path, tokens: int) -> None:
        self._wide, self._narrow = (open_session(path, threads) for threads in (2, 1))
        generator = np.random.default_rng(0)
        self._one, self._batch = (
            _feed(generator.integers(_FIRST_ID, _LAST_ID, (rows, tokens)))
            for rows in (1, BATCH_SIZE)
        )
        for _ in range(_WARM_PASSES):
            self._wide.run(None, self._one)
            self._narrow.run(None, self._batch)

    def one_text(self) -> float:
        """Milliseconds of one text on two threads."""
        return milliseconds(lambda: self._wide.run(None, self._one))

    def batches(self, pool: ThreadPoolExecutor) -> float:
        """Milliseconds of two batches for each core, with passes of one thread."""

        def run(_: int) -> None:
            self._narrow.run(None, self._batch)

        return milliseconds(lambda: list(pool.map(run, range(BATCHES * usable_cores()))))


def _feed(ids: np.ndarray) -> dict[str, np.ndarray]:
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def main() -> None:
    task = read_task()
    graphs = {name: Graph(Path(path), task["tokens"]) for name, path in task["graphs"].items()}
    results: dict[str, Any] = {name: {"milliseconds": [], "rate": []} for name in graphs}
    texts = BATCH_SIZE * BATCHES * usable_cores()
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in range(task["rounds"]):
            alone = _in_turns(graphs, Graph.one_text, task["passes"])
            batched = _in_turns(graphs, lambda graph: graph.batches(pool), task["passes"] // 10)
            for name in graphs:
                results[name]["milliseconds"].append(alone[name])
                results[name]["rate"].append(1000 * texts / batched[name])
    write_result(results)


def _in_turns(
    graphs: dict[str, Graph], measure: Callable[[Graph], float], passes: int
) -> dict[str, float]:
    """The median of each graph; every pass measures all, so that a busy moment affects all.

    A graph runs once before it is measured, so that its weights are in the cache again.
    """
    values: dict[str, list[float]] = {name: [] for name in graphs}
    for number in range(max(1, passes)):
        names = list(graphs)
        for name in names if number % 2 else reversed(names):
            measure(graphs[name])
            values[name].append(measure(graphs[name]))
    return {name: median(each) for name, each in values.items()}


if __name__ == "__main__":
    main()
