"""Runs the programs of ``benchmarks.children``, each in a process of its own."""

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
    """The command line of a child."""
    return [sys.executable, "-m", f"benchmarks.children.{module}", *arguments]


def ask(
    module: str,
    task: Any,
    *,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> Any:
    """Run a child to its end and return its result.

    Args:
        module: its name below benchmarks.children.
        task: what it reads as JSON.
        environment: the whole environment; None for ours.
        arguments: its command line.

    Raises:
        RuntimeError: it failed; what it said went to standard error.
    """
    done = subprocess.run(
        command(module, *arguments),
        check=False,
        cwd=ROOT,
        env=None if environment is None else dict(environment),
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks.children.{module} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def ask_from_start(module: str, task: Any, *, environment: Mapping[str, str] | None = None) -> Any:
    """As ``ask``; the child is told when it was started, on the clock that both share."""
    return ask(module, task, environment=environment, arguments=[repr(time.monotonic())])


@contextmanager
def served(*application: str, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A server of the gateway's kind in a process of its own; yields its port.

    Args:
        application: module with ``create_app``; without one, a route that does nothing.
        environment: the whole environment; None for ours.
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
