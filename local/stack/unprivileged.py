"""Runs PostgreSQL as an unprivileged user if the stack runs as root, which it refuses."""

import os
import pwd
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from local.errors import LocalStackError

_USER = "pgserver"
_FALLBACK = "nobody"


def server_user() -> pwd.struct_passwd | None:
    """The account to run the server as, None for the current one (not root)."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(_USER)
    with suppress(OSError, subprocess.CalledProcessError, KeyError):
        subprocess.run(  # noqa: S603 - a fixed command
            ["useradd", "--system", "--no-create-home", _USER],  # noqa: S607 - from PATH
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(_USER)
    with suppress(KeyError):
        return pwd.getpwnam(_FALLBACK)
    raise LocalStackError("PostgreSQL cannot run as root, and there is no other account.")


def process_options(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for subprocess that permanently drop root and all its groups."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def change_owner(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Make the server's account the owner of a file or folder."""
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)


def make_reachable(path: Path, user: pwd.struct_passwd | None) -> None:
    """Give the account search (not read) permission on all folders above a path.

    The next one may contain our data, so only the account's group gets it there.
    """
    if user is None:
        return
    nearest, *others = path.resolve().parents
    if not nearest.stat().st_mode & stat.S_IXOTH:
        os.chown(nearest, -1, user.pw_gid)
        nearest.chmod(stat.S_IMODE(nearest.stat().st_mode) | stat.S_IXGRP)
    for folder in others:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
