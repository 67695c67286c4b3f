"""Keeps files of the state folder from other accounts of the machine."""

import os
import stat
from contextlib import suppress
from pathlib import Path

UMASK = 0o077
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def close_folder(root: Path, *, without: Path) -> None:
    """Take the rights of other accounts from a folder and from all that is in it.

    What an earlier release left open is repaired; a folder that is closed is not read again.

    Args:
        root: the folder.
        without: a folder in it that another account owns.
    """
    mode = root.stat().st_mode
    # the group may search it: local.stack.unprivileged lets PostgreSQL's account through
    if not mode & (_OTHERS & ~stat.S_IXGRP):
        return
    for place, folders, files in os.walk(root):
        folders[:] = [name for name in folders if Path(place, name) != without]
        for name in (*folders, *files):
            _close(Path(place, name))
    _close(root)


def _close(path: Path) -> None:
    with suppress(OSError):  # removed meanwhile, or of another account
        mode = path.lstat().st_mode
        if mode & _OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
