"""A serving process excludes loaded modules from garbage collection."""

import os
import subprocess
import sys

import pytest

UVICORN_PROGRAM = """
import gc
from fastapi.testclient import TestClient
from lambdas.insights.api import create_app
with TestClient(create_app()):
    print(gc.get_freeze_count())
"""
LAMBDA_PROGRAM = """
import gc
from lambdas.insights.handler import handler
handler({"version": "2.0", "rawPath": "/nowhere", "rawQueryString": "", "headers": {},
         "requestContext": {"stage": "$default", "http": {"method": "GET", "path": "/nowhere",
                            "sourceIp": "127.0.0.1"}}}, None)
print(gc.get_freeze_count())
"""


@pytest.mark.parametrize("program", [UVICORN_PROGRAM, LAMBDA_PROGRAM], ids=["uvicorn", "lambda"])
def test_loaded_modules_are_frozen_before_the_first_request(program):
    command = [sys.executable, "-c", program]
    environment = os.environ | {"REVIEWLENS_DATABASE_HOST": "127.0.0.1"}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert int(result.stdout.splitlines()[-1]) > 20_000
