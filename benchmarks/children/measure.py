"""Time and memory of the process that asks."""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_MEBI = 2**20


def task() -> Any:
    """What the parent asks for (JSON on standard input)."""
    return json.load(sys.stdin)


def answer(result: Any) -> None:
    """Hand the result to the parent: the last line of standard output."""
    sys.stdout.write(f"{json.dumps(result)}\n")
    sys.stdout.flush()


def milliseconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def resident_mib() -> float:
    """Resident memory now."""
    return _status("VmRSS:")


def peak_mib() -> float:
    """Largest resident memory since the start, or since ``forget_peak``."""
    return _status("VmHWM:")


def forget_peak() -> None:
    """Count the peak from here on, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> float:
    # not ru_maxrss first: on Linux a child inherits its parent's
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024 / _MEBI
    except OSError:
        pass
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / _MEBI if sys.platform == "darwin" else largest / 1024


def heavy_modules() -> list[str]:
    """Training libraries that this process has loaded; there should be none."""
    return [name for name in ("torch", "transformers", "optimum") if name in sys.modules]
