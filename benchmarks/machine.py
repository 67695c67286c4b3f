"""Describes the machine of a measurement."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("onnxruntime", "faiss-cpu", "tokenizers", "numpy", "pyarrow", "psycopg", "fastapi")


def usable_cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Name of the processor, if known."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe() -> dict[str, str]:
    """Cores, load, system and versions."""
    description = {
        "processor": f"{processor()}, {usable_cores()} cores",
        "load before": f"{os.getloadavg()[0]:.2f} (should be idle)",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }
    versions = []
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return {**description, "libraries": ", ".join(versions)}
