"""Encodes texts with the shipped model, as many passes side by side as there are cores."""

import time
from pathlib import Path

from benchmarks.children.measure import answer, task
from shared.runtime.encoder import open_folder


def main() -> None:
    asked = task()
    encoder = open_folder(Path(asked["model"]), threads=1)
    texts = asked["texts"]
    encoder.encode(texts[:64])
    started = time.perf_counter()
    encoder.encode(texts)
    answer({"seconds": time.perf_counter() - started})


if __name__ == "__main__":
    main()
