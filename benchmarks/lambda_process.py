"""Processes of the inference function, each started for one measurement."""

import json
from pathlib import Path
from typing import Any

from benchmarks.machine import usable_cores
from benchmarks.processes import ROOT, run_child_timed
from benchmarks.stacks import environment
from local.stack.client import StackClient

MODEL = ROOT / "models" / "default"
_EVENT = {
    "resource": "/analyze",
    "path": "/analyze",
    "httpMethod": "POST",
    "headers": {"Content-Type": "application/json", "Host": "example.execute-api.amazonaws.com"},
    "multiValueHeaders": {
        "Content-Type": ["application/json"],
        "Host": ["example.execute-api.amazonaws.com"],
    },
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {
        "resourcePath": "/analyze",
        "httpMethod": "POST",
        "path": "/prod/analyze",
        "protocol": "HTTP/1.1",
        "stage": "prod",
        "requestId": "e43db444-7715-11f0-93ee-90840example",
        "identity": {"sourceIp": "203.0.113.17"},
    },
    "isBase64Encoded": False,
}


def first_answer(stack: StackClient, cache: Path, text: str, *, more: int = 1) -> dict[str, Any]:
    """Start the function as Lambda does, with a cache folder, and send it requests.

    Args:
        stack: stack with the model and the index.
        cache: cache folder for artefacts, possibly filled.
        text: text to analyse.
        more: number of further requests to the same process.

    Raises:
        RuntimeError: the function returned an error.
    """
    variables = environment(stack.running.aws_url, cache, stack.keys) | {
        "AWS_LAMBDA_FUNCTION_NAME": "reviewlens-inference",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(1769 * usable_cores()),
    }
    event = {**_EVENT, "body": json.dumps({"query_text": text})}
    task = {"event": event, "more": more}
    result: dict[str, Any] = run_child_timed("first_answer", task, environment=variables)
    if result["status"] != 200:
        raise RuntimeError(f"the function returned status {result['status']}")
    return result


def plain_answer(text: str) -> dict[str, Any]:
    """Start a process that loads the model and runs it once."""
    task = {"model": str(MODEL), "text": text}
    result: dict[str, Any] = run_child_timed("plain_answer", task)
    return result
