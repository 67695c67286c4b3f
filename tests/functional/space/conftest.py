"""A checkout with a small page in place of the real one, and a Python without this checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from cdk.paths import ROOT

PACKAGES = ("cdk", "lambdas", "local", "reports", "sagemaker_jobs", "reviewlens", "shared")
BESIDE = ("LICENSE", "constraints.txt", "pyproject.toml", "models", "samples")

PAGE = '''
"""Starts the stack next to it and prints an answer."""

import json
import os
from pathlib import Path

from frontend_space.greeting import HELLO
from local.stack.client import StackClient
from local.stack.stack import Stack
from local.state import Ports, StateFolder

HERE = Path(__file__).resolve().parents[1]
HOME = StateFolder(Path(os.environ["HOME"]) / "state")

if __name__ == "__main__":
    stack = Stack(HOME, Ports(0, 0, 0), model=HERE / "models" / "default")
    client = StackClient(HOME, stack.start())
    health = client.api.health()
    answer = client.api.analyze("It broke at once, awful.", top_k=0).model_dump(mode="json")
    print(json.dumps({"hello": HELLO, "version": health.version, "answer": answer}))
    stack.stop()
'''


@pytest.fixture
def checkout(tmp_path):
    """Our packages, and a page of three files, one of which is not imported."""
    root = tmp_path / "checkout"
    (root / "frontend_space" / "assets").mkdir(parents=True)
    for name in (*PACKAGES, *BESIDE):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(
        ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__")
    )
    page = root / "frontend_space"
    for name in ("README.md", "requirements.txt"):
        shutil.copy(ROOT / "frontend_space" / name, page)
    (page / "__init__.py").write_text('"""A page."""\n')
    (page / "__main__.py").write_text(PAGE)
    (page / "greeting.py").write_text('"""Words."""\n\nHELLO = "hello"\n')
    (page / "unused.py").write_text('"""Not imported."""\n')
    (page / "assets" / "style.css").write_text("body { margin: 0 }\n")
    (page / ".secret").write_text("token")
    return root


@pytest.fixture(scope="session")
def other_python(tmp_path_factory):
    """The installed libraries without the checkout, which is installed as editable here."""
    folder = tmp_path_factory.mktemp("venv")
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True)
    paths = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    scheme = {"base": str(folder), "platbase": str(folder)}
    inside = Path(sysconfig.get_path("purelib", "venv", scheme))
    (inside / "libraries.pth").write_text("\n".join(sorted(paths)) + "\n")
    return folder / "bin" / "python"


@pytest.fixture
def run(checkout):
    """``run("deploy_to_hf.sh", "--dry-run", HF_TOKEN="…")``: a script of that checkout."""

    def call(script, *arguments, expect=0, **environment):
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "REVIEWLENS_", "AWS_"))
        }
        path = str(checkout / "scripts" / "space" / script)
        command = [path] if script.endswith(".sh") else [sys.executable, path]
        done = subprocess.run(
            [*command, *map(str, arguments)],
            env=inherited | {"PYTHON": sys.executable} | environment,
            cwd=checkout.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    return call
