"""Damaged and missing objects: what a check found, and the record kept about it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Damage(BaseModel):
    """An object that cannot be used.

    ``missing``: it must exist and does not. ``corrupt``: its bytes do not match its checksum, size,
    format, or the other objects that belong to it.
    """

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    problem: Literal["missing", "corrupt"]
    reason: str


class DamageRecord(Damage):
    """A damage under repair or repaired.

    ``action`` says what is done about it. ``copy_key`` is the key of the damaged bytes, in the
    bucket of the object; None if there were none.
    """

    found_at: datetime
    action: str
    copy_key: str | None = None
    healed_at: datetime | None = None


class StoppedBuild(BaseModel):
    """Why index builds stop, and the time of the first build that stopped for this reason."""

    model_config = ConfigDict(frozen=True)

    reason: str
    since: datetime
