"""An earlier version of the project, from its repository."""

import subprocess
from pathlib import Path

from benchmarks.processes import ROOT


def extract_version(commit: str, folder: Path) -> Path:
    """Write the files of an earlier version to a new folder.

    Raises:
        SystemExit: the repository does not have the commit.
    """
    packed = subprocess.run(
        ["git", "archive", "--format=tar", commit], check=False, cwd=ROOT, stdout=subprocess.PIPE
    )
    if packed.returncode:
        raise SystemExit(f"--against: {commit} is not a commit of this repository")
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-x"], check=True, cwd=folder, input=packed.stdout)
    return folder
