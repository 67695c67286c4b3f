"""The files of Compose in a folder of their own."""

import subprocess

import pytest

from tests.containers import copy_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with the files of Compose and what setup.sh makes."""
    folder = copy_project(tmp_path_factory.mktemp("compose"))
    subprocess.run([folder / "setup.sh", "--files"], check=True, capture_output=True)
    return folder
