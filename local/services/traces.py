"""Whether a service records traces; without them, OpenTelemetry is not imported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from local.services.settings import TraceSettings
from shared.errors import ReviewlensError
from shared.observability.tracing import record_with

Traced = Callable[[Any], Any]
"""Wraps an ASGI application, so that its requests are spans."""


@contextmanager
def traces(service: str) -> Iterator[Traced]:
    """Record traces during the block, if the environment asks for them.

    Spans are sent in the background. At the end of the block, those that wait are sent for up to
    three seconds.

    Args:
        service: name of the service, such as ``inference``.

    Raises:
        ReviewlensError: a variable of OpenTelemetry is invalid, or the extra is not installed.
    """
    settings = _settings()
    if not settings.is_on:
        yield lambda application: application
        return
    try:
        from local.services.recorder import SpanRecorder  # an extra
    except ImportError as error:
        message = "traces need the extra `observe`: pip install 'reviewlens[observe]'"
        raise ReviewlensError(message) from error
    try:
        recorder = SpanRecorder(settings.otel_service_name or f"reviewlens-{service}")
    except ValueError as error:
        raise ReviewlensError(f"a variable OTEL_… is invalid: {error}") from error
    record_with(recorder)
    try:
        yield recorder.trace
    finally:
        record_with(None)
        recorder.close()


def _settings() -> TraceSettings:
    try:
        return TraceSettings()
    except ValidationError as error:
        problems = (f"{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        raise ReviewlensError("; ".join(problems)) from error
