"""A process that serves keeps the garbage collector away from what it has loaded."""

import subprocess
import sys

import pytest

SERVED = """
import gc
from fastapi.testclient import TestClient
from lambdas.insights.api import create_app
with TestClient(create_app()):
    print(gc.get_freeze_count())
"""
INVOKED = """
import gc
from lambdas.insights.handler import handler
handler({"version": "2.0", "rawPath": "/nowhere", "rawQueryString": "", "headers": {},
         "requestContext": {"stage": "$default", "http": {"method": "GET", "path": "/nowhere",
                            "sourceIp": "127.0.0.1"}}}, None)
print(gc.get_freeze_count())
"""


@pytest.mark.parametrize("program", [SERVED, INVOKED], ids=["uvicorn", "lambda"])
def test_loaded_libraries_are_frozen_before_the_first_large_answer(program):
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) > 20_000
