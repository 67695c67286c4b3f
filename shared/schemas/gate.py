"""What the gate says of a candidate: whether it may take the current model's place, and why not."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Family = Literal["overall", "slice", "robustness"]


class GateCheck(BaseModel):
    """One comparison of the two models.

    ``current`` and ``candidate`` are values of ``measure``; ``gain`` is how much better the
    candidate is (negative: worse), ``noise`` the standard error of that, ``p`` the probability of
    such a loss or a greater one if the candidate were as good as ``tolerance`` allows. Robustness
    has neither ``noise`` nor ``p``: its loss is compared with ``tolerance`` alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: Family
    where: str
    measure: str
    rows: int | None = None
    current: float
    candidate: float
    gain: float
    tolerance: float
    noise: float | None = None
    p: float | None = None
    passed: bool


class GateResult(BaseModel):
    """The verdict on a candidate against the model that was current.

    ``reasons`` names everything that failed; ``rows_sha256`` names the rows that both were
    evaluated on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    against: str
    passed: bool
    reasons: list[str]
    checks: list[GateCheck] = Field(default_factory=list)
    level: float
    rows: int = 0
    rows_sha256: str | None = None
    judged_at: datetime
