"""Steps to a model: commands that are left out when their output is complete."""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger("build")


class Step(NamedTuple):
    """A command, and the file that exists when it is complete."""

    name: str
    command: list[str]
    output: Path


def job(name: str, **options: object) -> list[str]:
    """The command of a job."""
    module, *step = name.split()
    command = [sys.executable, "-m", f"sagemaker_jobs.{module}", *step]
    for option, value in options.items():
        command += [f"--{option.replace('_', '-')}", str(value)]
    return command


def script(name: str, *arguments: object) -> list[str]:
    """The command of a script beside this one."""
    return [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]


def fingerprint(command: Sequence[str]) -> str:
    """A hash of a command and of the recipe that it reads, but not of the interpreter."""
    parts = list(command[1:])
    parts += [Path(part).read_text() for part in parts if part.startswith("configs/")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def perform(step: Step, records: Path) -> None:
    """Run a step, if its output is not complete.

    Raises:
        SystemExit: the step failed, or what is there was made by another command.
    """
    record, current = (
        records / f"{step.output.parent.name}-{step.output.name}",
        fingerprint(step.command),
    )
    if record.exists() and record.read_text() != current:
        raise SystemExit(
            f"{step.name}: {step.output.parent} was made with other options: remove it and"
            f" {record}, or give another --runs folder"
        )
    if step.output.exists():
        log.info("%s: complete (%s)", step.name, step.output)
        return
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(current)
    started = time.monotonic()
    log.info("%s: %s", step.name, " ".join(step.command[1:]))
    if status := subprocess.run(step.command, check=False).returncode:
        raise SystemExit(f"{step.name}: ended with status {status}")
    log.info("%s: %.0f minutes", step.name, (time.monotonic() - started) / 60)


def perform_all(steps: Iterable[Step], records: Path) -> None:
    """Perform steps in their order."""
    for step in steps:
        perform(step, records)


def publish(artefact: Path, folder: Path, files: Sequence[str]) -> None:
    """Copy files and evaluation of a model to its folder; a model card that is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        shutil.copyfile(artefact / name, folder / name)
    shutil.copytree(artefact / "evaluation", folder / "evaluation", dirs_exist_ok=True)
    log.info("wrote %s, %s", folder, json.loads((folder / "manifest.json").read_text())["version"])
