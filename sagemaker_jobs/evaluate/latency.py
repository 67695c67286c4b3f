"""How long one text takes."""

import os
import time
from pathlib import Path

import numpy as np

from sagemaker_jobs.evaluate.report import Latency
from shared.runtime.session import open_session

LENGTHS = (16, 64, 128)
THREADS = (1, 2)
_WARM_UP = 10
_FIRST_WORD = 1000
"""Token ids from here on are words in BERT's vocabularies; a small vocabulary starts at its 5th."""


def measure(graph: Path, vocabulary: int, runs: int) -> list[Latency]:
    """Time the pass of one text over the graph, tokenising left out.

    Args:
        graph: The ONNX file.
        vocabulary: Number of token ids.
        runs: Timed passes of each; 0 gives nothing. Machines with one processor measure one thread.
    """
    found = []
    processors = os.cpu_count() or 1
    for threads in THREADS if runs else ():
        if threads > processors:
            continue
        session = open_session(graph, threads)
        for length in LENGTHS:
            seconds = []
            generator = np.random.default_rng(length)
            first = _FIRST_WORD if vocabulary > 2 * _FIRST_WORD else 5
            for run in range(_WARM_UP + runs):
                ids = generator.integers(first, vocabulary, (1, length))
                feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
                started = time.perf_counter()
                session.run(["embedding", "logits"], feed)
                if run >= _WARM_UP:
                    seconds.append(time.perf_counter() - started)
            p50, p99 = (float(value) for value in np.percentile(seconds, [50, 99]) * 1000)
            found.append(Latency(tokens=length, threads=threads, runs=runs, p50_ms=p50, p99_ms=p99))
    return found
