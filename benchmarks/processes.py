"""Runs the programs of ``benchmarks.children``, each in its own process."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def command(module: str, *arguments: str) -> list[str]:
    """Command line of a child program."""
    return [sys.executable, "-m", f"benchmarks.children.{module}", *arguments]


def run_child(
    module: str,
    task: Any,
    *,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> Any:
    """Run a child program and return its result.

    Args:
        module: its name below benchmarks.children.
        task: its input, sent as JSON.
        environment: all environment variables; None: those of this process.
        arguments: its command-line arguments.

    Raises:
        RuntimeError: it failed; its messages are on standard error.
    """
    result = subprocess.run(
        command(module, *arguments),
        check=False,
        cwd=ROOT,
        env=None if environment is None else dict(environment),
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"benchmarks.children.{module} ended with {result.returncode}")
    return json.loads(result.stdout.splitlines()[-1])


def run_child_timed(module: str, task: Any, *, environment: Mapping[str, str] | None = None) -> Any:
    """Like ``run_child``, with the start time on the shared monotonic clock as argument."""
    return run_child(module, task, environment=environment, arguments=[repr(time.monotonic())])


@contextmanager
def serve_application(
    *application: str, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Start a server configured like the gateway; yields its port.

    Args:
        application: module with ``create_app``; without one, a route that does nothing.
        environment: all environment variables; None: those of this process.
    """
    with subprocess.Popen(
        command("bare_app", *application),
        cwd=ROOT,
        env=None if environment is None else dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.kill()
