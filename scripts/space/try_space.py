"""Start the folder of a Space as Hugging Face does, send requests, measure it, stop it.

    python scripts/space/try_space.py FOLDER [--ready-seconds 20] [--memory-mb 1500]

Runs with the Python of the Space's own environment, which scripts/space/test_hf_app.sh creates. If
it runs as root, the Space runs as user 1000, as on the platform.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

SPACE_USER = 1000
REVIEW = "The hinge snapped after three weeks and nobody answers my letters. Never again."
_START_TIMEOUT_SECONDS = 300.0
_STOP_TIMEOUT_SECONDS = 60.0
_PAUSE_SECONDS = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Test the Space; returns the exit status, 1 if it fails or exceeds a limit."""
    parser = argparse.ArgumentParser(description="Test the folder of a Space.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready-seconds", type=float, default=20.0)
    parser.add_argument("--memory-mb", type=float, default=1500.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        log = Path(home).with_suffix(".log")
        with run_space(options.folder.resolve(), Path(home), log) as (process, address):
            result = measure(process, address)
        result["stopped"] = "in order" if process.returncode in (0, -signal.SIGTERM) else "killed"
    print(json.dumps(result, indent=2))
    return check(result, options.ready_seconds, options.memory_mb, log)


def measure(process: psutil.Popen, address: str) -> dict[str, Any]:
    """Seconds until the page loads, a review is analysed and the stack is ready; then memory."""
    started = time.monotonic()
    result: dict[str, Any] = {"answer": None}

    def record_time(event: str) -> None:
        result.setdefault(f"{event}_seconds", round(time.monotonic() - started, 1))

    while process.poll() is None and time.monotonic() - started < _START_TIMEOUT_SECONDS:
        with suppress(Exception), connect(address) as client:  # retried while it starts
            record_time("page")
            if result["answer"] is None:
                analysis = client.predict(REVIEW, api_name="/analyze")
                result["answer"] = analysis["sentiment"]
                record_time("answer")
            if client.predict(api_name="/state")["state"] == "ready":
                record_time("ready")
                break
        time.sleep(_PAUSE_SECONDS)
    if "ready_seconds" not in result:
        return result | {"status": process.poll()}
    with connect(address) as client:
        similar = client.predict(REVIEW, 3, api_name="/search_similar")["results"]
    result["similar"] = [review["review_text"][:80] for review in similar]
    result["memory_mb"] = round(memory_bytes(process) / 2**20)
    return result


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """A client of the Space's API."""
    from gradio_client import Client

    client = Client(address, verbose=False)
    try:
        yield client
    finally:
        client.close()


def memory_bytes(process: psutil.Popen) -> int:
    """Memory of the process and its descendants; shared pages count once."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += member.memory_full_info().pss
    return total


def check(result: dict[str, Any], ready_seconds: float, memory_mb: float, log: Path) -> int:
    """Print what is wrong with a result; returns the exit status."""
    if result["answer"] != "negative" or "memory_mb" not in result:
        text = log.read_text()[-4000:]
        print(f"The Space did not become ready. From {log}:\n{text}", file=sys.stderr)
        return 1
    log.unlink(missing_ok=True)
    if not result["similar"]:
        print("The Space finds no similar reviews.", file=sys.stderr)
        return 1
    limits = {"ready_seconds": ready_seconds, "memory_mb": memory_mb}
    exceeded = [f"{name} {result[name]}, at most {limits[name]:g}" for name in limits
                if result[name] > limits[name]]  # fmt: skip
    if exceeded:
        load = (
            f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; measure on an idle machine"
        )
        print(f"The Space exceeds its limits: {'; '.join(exceeded)} ({load}).", file=sys.stderr)
    return 1 if exceeded else 0


@contextmanager
def run_space(folder: Path, home: Path, log: Path) -> Iterator[tuple[psutil.Popen, str]]:
    """Run the Space on a free loopback port; stops it with all its descendants at the end."""
    port = free_port()
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "SPACE_ID": "reviewlens/trial",
    }
    with log.open("wb") as output:
        process = psutil.Popen(
            [sys.executable, "app.py"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, **drop_root(folder, home),
        )  # fmt: skip
    descendants: list[psutil.Process] = []
    try:
        yield process, f"http://127.0.0.1:{port}"
        descendants = process.children(recursive=True)
    finally:
        descendants = descendants or _descendants(process)
        _stop(process, descendants)


def drop_root(*folders: Path) -> dict[str, Any]:
    """Popen arguments to run as the Space's user, who becomes the owner of the folders.

    If only root can run this Python (such as one in /root), prints so and stays root.
    """
    if os.geteuid() != 0:
        return {}
    if not _can_run_python(SPACE_USER):
        print(
            f"User {SPACE_USER} cannot run {sys.executable}: the Space runs as root.",
            file=sys.stderr,
        )
        return {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, SPACE_USER, SPACE_USER)
    return {"user": SPACE_USER, "group": SPACE_USER, "extra_groups": []}


def _can_run_python(user: int) -> bool:
    with suppress(PermissionError):
        done = subprocess.run(
            [sys.executable, "-c", ""], user=user, group=user, extra_groups=[], check=False
        )
        return done.returncode == 0
    return False


def free_port() -> int:
    """A loopback port that is not in use."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _descendants(process: psutil.Popen) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(process.children(recursive=True))
    return []


def _stop(process: psutil.Popen, descendants: Sequence[psutil.Process]) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
    with suppress(psutil.TimeoutExpired, subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_SECONDS)
    for member in [process, *descendants]:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
