"""What a caller may ask of the reader, and what the reader says of a dump."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Bounds that keep a hostile object from filling memory or time.

    ``max_ratio`` counts only once ``ratio_floor`` bytes came out, as tiny objects compress oddly.
    """

    max_ratio: float = 300.0
    max_bytes: int = 64 * 2**30
    max_record_bytes: int = 2**20
    ratio_floor: int = 32 * 2**20


@dataclass(frozen=True)
class ReadOptions:
    """How to read one dump.

    ``mapping`` names the column of each field (``{"text": "Review", "rating": "Stars"}``); None
    takes the columns that the dump's own schema names. ``reviewer_key`` is the secret under which
    reviewers are hashed.
    """

    mapping: Mapping[str, str] | None = None
    reviewer_key: bytes = b""
    limits: Limits = field(default_factory=Limits)
    batch_rows: int = 20_000


@dataclass
class Profile:
    """What the dump turned out to be; complete once the first batch came."""

    format: str
    compression: str
    encoding: str
    dump_schema: str
    columns: tuple[str, ...] = ()
