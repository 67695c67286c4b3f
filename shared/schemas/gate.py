"""The gate's verdict: whether a candidate may replace the current model, and why not."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Family = Literal["overall", "slice", "robustness"]


class GateCheck(BaseModel):
    """One comparison of the two models.

    ``current`` and ``candidate`` are values of ``measure``. ``gain`` is how much better the
    candidate is (negative: worse), ``noise`` its standard error, and ``p`` the probability of such
    a loss or a greater one if the candidate were exactly ``tolerance`` worse. Robustness has
    neither ``noise`` nor ``p``: its loss is only compared with ``tolerance``.
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
    """The verdict on a candidate compared with the model that was current.

    ``reasons`` lists every failed check; ``rows_sha256`` is the hash of the rows on which both
    were evaluated.
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
