"""Reads dumps with the reader of the version that is on the path; answers each task on one line.

It imports nothing else of the project, so that it runs with earlier versions.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from lambdas.collection.reading import ReadOptions, read_dump


def read(path: Path) -> int:
    """Read one dump; returns the number of its rows."""
    options = ReadOptions(reviewer_key=b"any key", batch_rows=10_000)
    with path.open("rb") as stream:
        return sum(batch.rows_read for batch in read_dump(stream, name=path.name, options=options))


def peak_mib() -> float:
    """Largest resident memory since the start."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(task: dict[str, Any]) -> dict[str, float]:
    """Read a dump several times; the rate counts processor time, which other load changes least."""
    path = Path(task["path"])
    started = time.process_time()
    rows = sum(read(path) for _ in range(task["repeats"]))
    return {"rate": rows / (time.process_time() - started), "peak_mib": peak_mib()}


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(measure(json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
