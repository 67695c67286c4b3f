"""Log lines are JSON objects with only the known fields."""

import io
import json
import logging

import pytest

from shared.observability.logs import JsonFormatter, configure_logging


@pytest.fixture
def log_line():
    """Logs a record and returns the formatted line."""
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(JsonFormatter("collection"))
    logger = logging.getLogger("tests.observability")
    logger.addHandler(handler)

    def log(*arguments, **named):
        logger.warning(*arguments, **named)
        (line,) = sink.getvalue().splitlines()
        return json.loads(line)

    yield log
    logger.removeHandler(handler)


def test_only_known_fields_are_logged(log_line):
    line = log_line(
        "stored %d", 3, extra={"ingest_id": "ing_1", "text": "private", "password": "p"}
    )
    assert (line["message"], line["ingest_id"], line["service"]) == (
        "stored 3",
        "ing_1",
        "collection",
    )
    assert line["level"] == "WARNING"
    assert not {"text", "password"} & set(line)


def test_an_exception_is_logged_on_the_same_line(log_line):
    try:
        raise ValueError("broken")
    except ValueError:
        line = log_line("failed", exc_info=True)
    assert "ValueError: broken" in line["exception"]


def test_other_handlers_stay_in_place():
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
