"""Refused rows as a CSV file."""

import csv
import tempfile
from pathlib import Path

from reviewlens.models import Reject

HEAD = ["file", "line", "record", "reason", "detail", "raw"]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(rejects: list[Reject], name: str) -> Path:
    """Write refused rows; cells that a spreadsheet would run as a formula become text."""
    path = Path(tempfile.mkdtemp(prefix="reviewlens-rejects-")) / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for each in rejects:
            cells = [each.file, each.line, each.record, each.reason, each.detail, each.raw]
            writer.writerow([_plain(cell) for cell in cells])
    return path


def _plain(cell: object) -> object:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
