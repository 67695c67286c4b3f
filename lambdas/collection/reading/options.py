"""Options of the reader, and the profile of a dump."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.schemas.exclusions import ExcludedKeys
from shared.schemas.ingest import CPU_SECONDS_FLOOR, CPU_SECONDS_PER_MB, MAX_FILE_BYTES
from shared.schemas.review import MAPPING_OPTIONS


@dataclass(frozen=True)
class Limits:
    """Limits that stop a hostile object from exhausting memory or time.

    ``max_ratio`` applies after ``ratio_floor`` bytes of output: small objects have odd ratios.
    ``max_file_bytes`` is the space for copies on the disk, which some formats need.
    ``cpu_seconds_per_mb`` applies after ``cpu_seconds_floor``, to the bytes of all members.
    """

    max_ratio: float = 300.0
    max_bytes: int = 64 * 2**30
    max_record_bytes: int = 2**20
    max_members: int = 1000
    max_file_bytes: int = MAX_FILE_BYTES
    max_rejects: int = 1_000_000
    ratio_floor: int = 32 * 2**20
    cpu_seconds_per_mb: float = CPU_SECONDS_PER_MB
    cpu_seconds_floor: float = CPU_SECONDS_FLOOR
    cpu_clock: Callable[[], float] = time.thread_time


@dataclass(frozen=True)
class ReadOptions:
    """How to read one dump.

    ``mapping`` names the column of each field (``{"text": "Review", "rating": "Stars"}``); None
    uses the columns of the detected schema. ``hints`` are the options of a mapping
    (MAPPING_OPTIONS). ``reviewer_key`` is the secret for hashing reviewers; rows of those in
    ``excluded``, and of its products, are rejected without their text.
    """

    mapping: Mapping[str, str] | None = None
    hints: Mapping[str, str] = field(default_factory=dict)
    reviewer_key: bytes = b""
    excluded: ExcludedKeys = field(default_factory=ExcludedKeys)
    limits: Limits = field(default_factory=Limits)
    batch_rows: int = 20_000
    is_cut: bool = False
    """Whether the stream is only the beginning of the dump, and ends within a record."""


@dataclass
class Profile:
    """What was detected of a dump; complete after the first batch.

    ``details`` is JSON: rating_scale, date_order, missing_fields, unused_columns.
    """

    format: str
    compression: str
    encoding: str
    dump_schema: str
    columns: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    """Further facts as JSON, for example the rating scale; complete after the last batch."""


def split_mapping(
    mapping: Mapping[str, str] | None,
) -> tuple[dict[str, str] | None, dict[str, str]]:
    """Separate the columns of a mapping (None if it names no field) from its options."""
    if mapping is None:
        return None, {}
    columns = {name: column for name, column in mapping.items() if name not in MAPPING_OPTIONS}
    hints = {name: value for name, value in mapping.items() if name in MAPPING_OPTIONS}
    return (None if hints and not columns else columns), hints
