"""Imports modules in a new process; the processor time includes the start of Python."""

import importlib
import time

from benchmarks.children.measure import read_task, write_result


def main() -> None:
    for name in read_task():
        importlib.import_module(name)
    write_result({"seconds": time.process_time()})


if __name__ == "__main__":
    main()
