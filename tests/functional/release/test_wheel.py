"""The wheel of a commit: the same bytes each time, with the models and samples."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "release" / "build_wheel.sh"
FOLDERS = ("cdk", "frontend_space", "lambdas", "local", "models", "reports", "reviewlens")
FOLDERS += ("sagemaker_jobs", "samples", "shared")
NOT_SHIPPED = ("Dockerfile", "README.md", "requirements.txt")
"""Files of packages that serve other ways of shipping."""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Two wheels, built by users with other habits."""
    built = []
    for umask, zone in ((0o022, "UTC"), (0o077, "Asia/Tokyo")):
        folder = tmp_path_factory.mktemp("wheel")
        subprocess.run(
            [str(SCRIPT), sys.executable, str(folder)],
            env=os.environ | {"TZ": zone},
            umask=umask,
            check=True,
            capture_output=True,
        )
        (wheel,) = folder.glob("*.whl")
        built.append(wheel)
    return built


def test_the_same_commit_gives_the_same_bytes(wheels):
    first, second = wheels
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_every_file_of_the_packages_is_in_the_wheel(wheels):
    command = ["git", "ls-tree", "-r", "--name-only", "HEAD", *FOLDERS]
    tracked = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    expected = {name for name in tracked.splitlines() if Path(name).name not in NOT_SHIPPED}
    with zipfile.ZipFile(wheels[0]) as archive:
        assert expected - set(archive.namelist()) == set()
