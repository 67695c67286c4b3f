"""Logs are lines of JSON that hold known fields and nothing else."""

import io
import json
import logging

import pytest

from shared.observability.logs import JsonFormatter, configure_logging


@pytest.fixture
def line():
    """Logs something; gives the line as the formatter writes it."""
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(JsonFormatter("collection"))
    logger = logging.getLogger("tests.observability")
    logger.addHandler(handler)

    def log(*arguments, **named):
        logger.warning(*arguments, **named)
        (written,) = sink.getvalue().splitlines()
        return json.loads(written)

    yield log
    logger.removeHandler(handler)


def test_known_fields_are_told_and_others_kept_out(line):
    told = line("stored %d", 3, extra={"ingest_id": "ing_1", "text": "private", "password": "p"})
    assert (told["message"], told["ingest_id"], told["service"]) == (
        "stored 3",
        "ing_1",
        "collection",
    )
    assert told["level"] == "WARNING"
    assert not {"text", "password"} & set(told)


def test_an_exception_stays_on_its_line(line):
    try:
        raise ValueError("broken")
    except ValueError:
        told = line("failed", exc_info=True)
    assert "ValueError: broken" in told["exception"]


def test_handlers_of_others_are_left_alone():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        configure_logging("x", "warning")
        configure_logging("x", "ERROR")
        assert set(before) <= set(root.handlers)
        assert len([h for h in root.handlers if isinstance(h.formatter, JsonFormatter)]) <= 1
        assert root.level == logging.ERROR
    finally:
        root.handlers[:] = before
        root.setLevel(level)
