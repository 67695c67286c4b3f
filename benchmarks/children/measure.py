"""Measures time and memory of the current process."""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_MEBI = 2**20


def read_task() -> Any:
    """Read the parent's task, JSON on standard input."""
    return json.load(sys.stdin)


def write_result(result: Any) -> None:
    """Write the result for the parent as the last line of standard output."""
    sys.stdout.write(f"{json.dumps(result)}\n")
    sys.stdout.flush()


def milliseconds(function: Callable[[], object]) -> float:
    """Duration of one call."""
    started = time.perf_counter()
    function()
    return (time.perf_counter() - started) * 1000


def resident_mib() -> float:
    """Current resident memory."""
    return _status("VmRSS:")


def peak_mib() -> float:
    """Largest resident memory since the start, or since ``reset_peak``."""
    return _status("VmHWM:")


def reset_peak() -> None:
    """Reset the peak, if the system supports it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> float:
    # ru_maxrss is only the fallback: on Linux a child inherits its parent's
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024 / _MEBI
    except OSError:
        pass
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / _MEBI if sys.platform == "darwin" else largest / 1024


def heavy_modules() -> list[str]:
    """Training libraries loaded in this process; should be empty."""
    return [name for name in ("torch", "transformers", "optimum") if name in sys.modules]
