"""PostgreSQL refuses to run as root: where the stack is root, its server runs as a plain user."""

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
    """The account that the server runs under, None for our own (we are not root)."""
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
    raise LocalStackError("PostgreSQL does not run as root and no other account exists here.")


def process_options(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for subprocess that drop root for good (no group is kept)."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Hand a folder to the server's account."""
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)


def let_through(path: Path, user: pwd.struct_passwd | None) -> None:
    """Let the account reach a path: search permission (no reading) on the folders above it.

    Only folders that lack it are touched.
    """
    if user is None:
        return
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
