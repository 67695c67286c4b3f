"""Logs each record as one line of JSON: figures and ids, never secrets or review texts."""

import json
import logging
import sys
from datetime import UTC, datetime

from shared.observability.correlation import ATTRIBUTE, correlation_id
from shared.observability.tracing import recorder

_FIELDS = (
    *("ingest_id", "part", "rows", "key", "status", "error_code", "model_version", "seconds"),
    *("bucket", "rows_read", "stored", "duplicates", "rejected", "shards", "shards_failed"),
    *("negative_share", "neutral_share", "positive_share", "mean_confidence", "damaged"),
)
"""Fields of ``extra`` to log; all others are ignored."""


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON, with only the known fields of ``extra``."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter.format."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := correlation_id():
            line[ATTRIBUTE] = current
        line.update(recorder().log_fields())
        line.update({name: getattr(record, name) for name in _FIELDS if hasattr(record, name)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logging(service: str, level: str = "INFO") -> None:
    """Log to stderr as JSON; a second call only changes the level.

    Existing handlers (of a test runner or the local stack) stay in place, except that of the Lambda
    runtime, which would print every line twice.
    """
    root = logging.getLogger()
    root.setLevel(level.upper())
    # urllib3 and botocore log request bodies and headers at DEBUG
    for noisy in ("botocore", "boto3", "urllib3", "s3transfer", "psycopg.pool"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        return
    for handler in list(root.handlers):
        if type(handler).__name__ == "LambdaLoggerHandler":
            root.removeHandler(handler)
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter(service))
        root.addHandler(handler)
