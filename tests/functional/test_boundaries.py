"""What importing may do, and what a function may load."""

import importlib.util
import os
import subprocess
import sys

import pytest

SERVICES = (
    *("collection", "processing", "inference", "retrieval", "insights", "migrations"),
    "training",
)

IMPORT_EVERYTHING = """
import os, pkgutil, socket, subprocess, sys

def refuse(*_args, **_kwargs):
    raise AssertionError("an import reached for the network or a process")

import importlib
import boto3
socket.socket.connect = refuse
socket.create_connection = refuse
subprocess.Popen.__init__ = refuse
boto3.client = refuse
boto3.session.Session.client = refuse
names = []
for root in ("shared", "lambdas"):
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        if module.name.endswith("__main__") or ".migrations." in module.name:
            continue
        importlib.import_module(module.name)
        names.append(module.name)
print(len(names))
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("REVIEWLENS_", "AWS_"))}
    return subprocess.run(
        [sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=False
    )


def test_importing_any_module_reads_no_settings_and_opens_nothing():
    done = _python(IMPORT_EVERYTHING)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


@pytest.mark.parametrize("service", SERVICES)
def test_no_function_loads_training_or_simulation_libraries(service):
    done = _python(
        f"import lambdas.{service}.handler, sys;"
        "print([m for m in ('torch','transformers','optimum','moto','sagemaker') "
        "if m in sys.modules])"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_serving_environment_has_no_torch():
    assert importlib.util.find_spec("torch") is None
