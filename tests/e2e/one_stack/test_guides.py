"""Every command of these pages runs on a stack with the samples, or the page says why not."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.documents import RUN, blocks
from tests.e2e.stack import COMMAND

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
CURL_REFUSED = 22
"""Exit status of curl for an answer from 400 on."""
PROGRAMS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}
DATA = {"json", "csv", "text"}
RUN_BY_THE_TEST_OF_THE_CLIENT = {"README.md"}


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_commands_of_a_page_work(page, stack, samples, tmp_path):
    for name in ("samples", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {
        **os.environ,
        "PATH": f"{Path(COMMAND).parent}:{os.environ['PATH']}",
        "REVIEWLENS_STATE": str(stack.folder.root),
    }
    (tmp_path / ".curlrc").write_text("fail-with-body\n")
    environment["CURL_HOME"] = str(tmp_path)
    ran = 0
    for block in blocks(page):
        if block.reason or block.language in DATA:
            continue
        if block.language == "python" and page.name in RUN_BY_THE_TEST_OF_THE_CLIENT:
            continue
        assert block.language in PROGRAMS, f"{page.name}: ```{block.language}"
        code = block.code.replace("http://127.0.0.1:8080", stack.running.gateway_url)
        done = subprocess.run(
            [*PROGRAMS[block.language], code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=560,
        )
        assert done.returncode == (CURL_REFUSED if block.refused else 0), (
            f"{code}\n{done.stdout}{done.stderr}"
        )
        assert done.stdout.strip(), f"{code}\nprints nothing"
        ran += 1
    assert ran
