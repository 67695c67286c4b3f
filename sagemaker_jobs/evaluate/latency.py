"""Latency of one text."""

import os
import time
from pathlib import Path

import numpy as np

from sagemaker_jobs.evaluate.report import Latency
from shared.runtime.session import open_session

LENGTHS = (16, 64, 128)
THREADS = (1, 2)
_WARM_UP = 10
_FIRST_WORD_ID = 1000
"""First token id of a word in BERT's vocabularies; in small ones it is _FIRST_SMALL_ID."""
_FIRST_SMALL_ID = 5


def measure(graph: Path, vocabulary: int, runs: int) -> list[Latency]:
    """Time graph passes over one text, without tokenising.

    Args:
        graph: The ONNX file.
        vocabulary: Number of token ids.
        runs: Timed passes per length and thread count; 0 returns an empty list. Thread counts
            above the number of processors are skipped.
    """
    latencies = []
    processors = os.cpu_count() or 1
    for threads in THREADS if runs else ():
        if threads > processors:
            continue
        session = open_session(graph, threads)
        for length in LENGTHS:
            seconds = []
            generator = np.random.default_rng(length)
            first = _FIRST_WORD_ID if vocabulary > 2 * _FIRST_WORD_ID else _FIRST_SMALL_ID
            for run in range(_WARM_UP + runs):
                ids = generator.integers(first, vocabulary, (1, length))
                feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
                started = time.perf_counter()
                session.run(None, feed)
                if run >= _WARM_UP:
                    seconds.append(time.perf_counter() - started)
            p50, p99 = (float(value) for value in np.percentile(seconds, [50, 99]) * 1000)
            latencies.append(
                Latency(tokens=length, threads=threads, runs=runs, p50_ms=p50, p99_ms=p99)
            )
    return latencies
