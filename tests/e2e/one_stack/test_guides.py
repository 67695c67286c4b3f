"""Every command of the guides runs on a stack with the samples, or the guide says why not."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.stack import COMMAND

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
BLOCK = re.compile(
    r"(?:<!-- (?:not run: (?P<reason>[^>]+)|(?P<refused>refused)) -->\n)?"
    r"```(?P<kind>\w*)\n(?P<code>.*?)```\n",
    re.DOTALL,
)
CURL_REFUSED = 22
"""Exit status of curl for an answer from 400 on."""
PROGRAMS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}


def blocks(guide):
    return [match.groupdict() for match in BLOCK.finditer(guide.read_text("utf-8"))]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_commands_of_a_guide_work(guide, stack, samples, tmp_path):
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
    for block in blocks(guide):
        assert block["kind"] in PROGRAMS, f"{guide.name}: ```{block['kind']}"
        if block["reason"]:
            continue
        code = block["code"].replace("http://127.0.0.1:8080", stack.running.gateway_url)
        done = subprocess.run(
            [*PROGRAMS[block["kind"]], code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=560,
        )
        assert done.returncode == (CURL_REFUSED if block["refused"] else 0), (
            f"{code}\n{done.stdout}{done.stderr}"
        )
        assert done.stdout.strip(), f"{code}\nprints nothing"
        ran += 1
    assert ran
