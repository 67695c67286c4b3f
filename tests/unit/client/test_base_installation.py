"""What ``pip install .`` without extras gives: the client and the commands that call an API."""

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.clients import scripted_server

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HIDE = """
import json, runpy, sys
for name in json.loads(sys.argv[1]):
    sys.modules[name] = None  # an import of it fails as if it were not installed
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
IMPORT = "import runpy, reviewlens.models; from reviewlens import AsyncClient, Client"


def closure(names):
    """Distributions that are installed with some others."""
    done, pending = set(), list(names)
    while pending:
        requirement = Requirement(pending.pop())
        name = canonicalize_name(requirement.name)
        if name in done:
            continue
        done.add(name)
        for line in requires(name) or []:
            inner = Requirement(line)
            if inner.marker is None or inner.marker.evaluate({"extra": ""}):
                pending.append(line)
    return done


@pytest.fixture(scope="module")
def hidden():
    """Top-level modules that a base installation does not have."""
    base = closure(PROJECT["dependencies"])
    return [
        module
        for module, names in packages_distributions().items()
        if not {canonicalize_name(name) for name in names} & (base | {"reviewlens"})
    ]


@pytest.fixture
def base(hidden, tmp_path):
    """``base(module, argument, …)``: run a module with the base installation only."""

    def run(*arguments, expect=0, **variables):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("REVIEWLENS_")}
        done = subprocess.run(
            [sys.executable, "-c", HIDE, json.dumps(hidden), *arguments],
            env=inherited | {"PYTHONPATH": str(ROOT), **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stderr[-2000:]
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def cli(base, tmp_path):
    """``cli(command, …)``: the command line with the base installation only."""
    (tmp_path / "entry.py").write_text("from local.cli import main\n\nmain()\n")
    path = os.pathsep.join([str(ROOT), str(tmp_path)])

    def run(*arguments, **options):
        return base("entry", *arguments, **{"PYTHONPATH": path, **options})

    return run


def test_the_base_needs_a_few_small_packages():
    assert PROJECT["dependencies"] == ["anyio", "httpx", "pydantic", "rich", "typer"]
    assert len(closure(PROJECT["dependencies"])) < 25


def test_every_package_of_the_base_is_pinned():
    lines = (ROOT / "constraints.txt").read_text().split()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}
    assert closure(PROJECT["dependencies"]) <= pinned


def test_the_client_imports_without_the_server(base, tmp_path):
    (tmp_path / "importing.py").write_text(f"{IMPORT}\n")
    base("importing", PYTHONPATH=os.pathsep.join([str(ROOT), str(tmp_path)]))


def test_the_help_lists_all_commands(cli):
    page = cli("--help").stdout
    for command in ("analyze", "search", "ingest", "report", "status", "train", "up", "models"):
        assert f"  {command}  " in page


@pytest.mark.parametrize(
    "arguments",
    [
        *(("up",), ("up", "--help"), ("demo", "--once"), ("reset", "--yes"), ("doctor",), ("env",)),
        *(("adapt", "x", "--output", "y"), ("models", "list")),
    ],
)
def test_commands_of_the_stack_name_their_extra(cli, arguments):
    message = cli(*arguments, expect=2).stderr
    assert "pip install 'reviewlens[local]'" in " ".join(message.split())


def test_reports_name_their_extra(cli):
    message = cli("report", "-o", "x.html", expect=2).stderr
    assert "pip install 'reviewlens[report]'" in " ".join(message.split())


def test_commands_call_an_api(cli):
    health = {"service": "gateway", "version": "1", "services": {}}
    with scripted_server() as server:
        server.answers = [(200, health), (200, {"ingests": []})]
        done = cli("status", "--json", REVIEWLENS_API_URL=server.url, REVIEWLENS_API_KEY="k-1")
        assert json.loads(done.stdout)["health"]["status"] == "ok"
        paths = [path for _, path, _, _ in server.requests]
        assert paths == ["/health", "/collect?limit=10"]
        assert {headers["x-api-key"] for _, _, headers, _ in server.requests} == {"k-1"}
        server.answers = [(401, {"title": "x", "status": 401, "code": "c", "detail": "Who?"})]
        assert "Who?" in cli("analyze", "x", "--api-url", server.url, expect=2).stderr


def test_without_an_api_and_a_stack_the_message_says_what_to_do(cli):
    assert "reviewlens up" in cli("analyze", "x", expect=2).stderr
