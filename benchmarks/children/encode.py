"""Encodes texts with the shipped model, with one pass per core in parallel."""

import time
from pathlib import Path

from benchmarks.children.measure import read_task, write_result
from shared.runtime.encoder import open_folder


def main() -> None:
    task = read_task()
    encoder = open_folder(Path(task["model"]), threads=1)
    texts = task["texts"]
    encoder.encode(texts[:64])
    started = time.perf_counter()
    encoder.encode(texts)
    write_result({"seconds": time.perf_counter() - started})


if __name__ == "__main__":
    main()
