"""Whether a service records traces."""

import subprocess
import sys

import pytest

from local.services.__main__ import main
from local.services.settings import TraceSettings

ENDPOINT = "http://127.0.0.1:4318"
OFF = "from local.services.traces import traces; import sys\nwith traces('insights') as t: t(0)\n"
OFF += "print([n for n in sys.modules if n.startswith('opentelemetry.sdk')])"


@pytest.mark.parametrize(
    ("variables", "is_on"),
    [
        ({}, False),
        ({"ENDPOINT": ""}, False),
        ({"ENDPOINT": ENDPOINT}, True),
        ({"TRACES_ENDPOINT": ENDPOINT}, True),
        ({"EXPORTER": "otlp"}, True),
        ({"EXPORTER": "none", "ENDPOINT": ENDPOINT}, False),
        ({"DISABLED": "true", "ENDPOINT": ENDPOINT}, False),
    ],
)
def test_the_standard_variables_turn_traces_on_and_off(monkeypatch, variables, is_on):
    names = {
        "ENDPOINT": "OTEL_EXPORTER_OTLP_ENDPOINT",
        "TRACES_ENDPOINT": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "EXPORTER": "OTEL_TRACES_EXPORTER",
        "DISABLED": "OTEL_SDK_DISABLED",
    }
    for name, value in variables.items():
        monkeypatch.setenv(names[name], value)
    assert TraceSettings().is_on is is_on


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ],
)
def test_an_invalid_variable_is_named(monkeypatch, capsys, variable, value):
    monkeypatch.setenv(variable, value)
    assert main(["insights", "--port", "0"]) == 1
    assert capsys.readouterr().err.startswith(f"insights: {variable}: ")


def test_a_batch_that_does_not_fit_its_queue_is_named(monkeypatch, capsys):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", ENDPOINT)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    assert main(["insights", "--port", "0"]) == 1
    assert capsys.readouterr().err.startswith("insights: a variable OTEL_… is invalid: ")


def test_without_traces_the_sdk_is_not_imported():
    done = subprocess.run([sys.executable, "-c", OFF], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
