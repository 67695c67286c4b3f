"""Start a Space's folder as Hugging Face does, ask it, measure it, stop it.

    python scripts/space/try_space.py FOLDER [--ready-seconds 20] [--memory-mb 1500]

Run by the Python of the Space's own environment (scripts/space/test_hf_app.sh makes it). Where it
runs as root, the Space runs as user 1000, as it does there.
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

USER = 1000
REVIEW = "The hinge snapped after three weeks and nobody answers my letters. Never again."
_PATIENCE_SECONDS = 300.0
_STOP_SECONDS = 60.0
_PAUSE_SECONDS = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Try it; returns the exit status, 1 where it did not answer or is beyond a bound."""
    parser = argparse.ArgumentParser(description="Try the folder of a Space.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready-seconds", type=float, default=20.0)
    parser.add_argument("--memory-mb", type=float, default=1500.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        log = Path(home).with_suffix(".log")
        with running(options.folder.resolve(), Path(home), log) as (process, address):
            found = measured(process, address)
        found["stopped"] = "in order" if process.returncode in (0, -signal.SIGTERM) else "killed"
    print(json.dumps(found, indent=2))
    return judged(found, options.ready_seconds, options.memory_mb, log)


def measured(process: psutil.Popen, address: str) -> dict[str, Any]:
    """Wait until the page is there, a review is judged, all is ready; the seconds of each."""
    started = time.monotonic()
    found: dict[str, Any] = {"answer": None}

    def reached(name: str) -> None:
        found.setdefault(f"{name}_seconds", round(time.monotonic() - started, 1))

    while process.poll() is None and time.monotonic() - started < _PATIENCE_SECONDS:
        with suppress(Exception), asking(address) as client:  # it is starting: we ask again
            reached("page")
            if found["answer"] is None:
                judged_as = client.predict(REVIEW, api_name="/analyze")["sentiment"]
                found["answer"] = judged_as
                reached("answer")
            if client.predict(api_name="/state")["state"] == "ready":
                reached("ready")
                break
        time.sleep(_PAUSE_SECONDS)
    if "ready_seconds" not in found:
        return found | {"status": process.poll()}
    with asking(address) as client:
        similar = client.predict(REVIEW, 3, api_name="/search_similar")["results"]
    found["similar"] = [review["review_text"][:80] for review in similar]
    found["memory_mb"] = round(memory_bytes(process) / 2**20)
    return found


@contextmanager
def asking(address: str) -> Iterator[Any]:
    """The Space's API as any client sees it."""
    from gradio_client import Client

    client = Client(address, verbose=False)
    try:
        yield client
    finally:
        client.close()


def memory_bytes(process: psutil.Popen) -> int:
    """Of the process and all below it; what they share counts once."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += one.memory_full_info().pss
    return total


def judged(found: dict[str, Any], ready_seconds: float, memory_mb: float, log: Path) -> int:
    """The exit status, with a word on what is wrong."""
    if found["answer"] != "negative" or "memory_mb" not in found:
        print(f"It did not get ready. From {log}:\n{log.read_text()[-4000:]}", file=sys.stderr)
        return 1
    log.unlink(missing_ok=True)
    if not found["similar"]:
        print("It finds no review like the one that it was asked for.", file=sys.stderr)
        return 1
    if found["ready_seconds"] > ready_seconds or found["memory_mb"] > memory_mb:
        print(f"More than {ready_seconds:g} s or {memory_mb:g} MB.", file=sys.stderr)
        return 1
    return 0


@contextmanager
def running(folder: Path, home: Path, log: Path) -> Iterator[tuple[psutil.Popen, str]]:
    """The Space on a free loopback port; stopped on leaving, with all that it started."""
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
    with log.open("wb") as said:
        process = psutil.Popen(
            [sys.executable, "app.py"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=said, stderr=said, **as_user(folder, home),
        )  # fmt: skip
    everything: list[psutil.Process] = []
    try:
        yield process, f"http://127.0.0.1:{port}"
        everything = process.children(recursive=True)
    finally:
        everything = everything or _children(process)
        _end(process, everything)


def as_user(*folders: Path) -> dict[str, Any]:
    """Arguments that drop root, and folders given to whom it is dropped for.

    A Python below /root can be run by root alone: so it is, and that is told.
    """
    if os.geteuid() != 0:
        return {}
    if not _may_run(USER):
        print(f"User {USER} cannot run {sys.executable}: it runs as root.", file=sys.stderr)
        return {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USER, USER)
    return {"user": USER, "group": USER, "extra_groups": []}


def _may_run(user: int) -> bool:
    with suppress(PermissionError):
        done = subprocess.run(
            [sys.executable, "-c", ""], user=user, group=user, extra_groups=[], check=False
        )
        return done.returncode == 0
    return False


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _children(process: psutil.Popen) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(process.children(recursive=True))
    return []


def _end(process: psutil.Popen, everything: Sequence[psutil.Process]) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
    with suppress(psutil.TimeoutExpired, subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    for one in [process, *everything]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
