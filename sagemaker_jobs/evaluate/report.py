"""The structure of an evaluation's JSON file. It needs pydantic alone: any reader may import it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SUMMARY = (
    "rows", "accuracy", "polar_accuracy", "macro_f1", "weighted_f1", "ece", "confusion", "roc_auc",
    "recall_at_10",
)  # fmt: skip
"""What a manifest keeps of a split."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figures(_Part):
    """Of a set of rows. Rows of ``confusion`` are labels, columns what was predicted.

    ``polar_accuracy`` is that of the better of negative and positive over rows that are either;
    ``roc_auc`` the mean of one class against the rest, where each class has rows; ``ece`` the
    expected calibration error over 15 bins.
    """

    rows: int
    accuracy: float
    polar_accuracy: float | None = None
    macro_f1: float
    weighted_f1: float
    ece: float
    confusion: list[list[int]]
    roc_auc: float | None = None


class WorstGroup(_Part):
    """Accuracy over groups of at least ``min_rows`` rows: mean, 10th percentile, the worst."""

    groups: int
    min_rows: int
    rows: int
    mean: float
    p10: float
    worst: float


class Bin(_Part):
    """One bar of the reliability diagram: rows whose confidence lies in [low, high)."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


class CoveragePoint(_Part):
    """Share of rows as confident as ``threshold``, and their accuracy (None: no rows)."""

    threshold: float
    coverage: float
    accuracy: float | None


class Abstain(CoveragePoint):
    """The threshold below which the model should not answer, chosen on ``split``."""

    split: str
    rows: int
    target_accuracy: float


class SplitReport(Figures):
    """Of one split. ``intervals`` are 95% of a bootstrap over rows, by name of the figure.

    ``slices`` by kind (source, category, length in tokens, stars) and part; ``worst_groups`` by
    product_id and reviewer_key. ``answered`` is what the abstain threshold does here.
    """

    recall_at_10: float | None = None
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    slices: dict[str, dict[str, Figures]] = Field(default_factory=dict)
    worst_groups: dict[str, WorstGroup] = Field(default_factory=dict)
    reliability: list[Bin] = Field(default_factory=list)
    coverage_curve: list[CoveragePoint] = Field(default_factory=list)
    answered: CoveragePoint | None = None

    def summary(self) -> dict[str, object]:
        """The few figures that a manifest keeps, with the same few of each source."""
        kept: dict[str, object] = self.model_dump(include=set(SUMMARY), exclude_none=True)
        if "source" in self.slices:
            kept["by_source"] = {
                name: part.model_dump(exclude_none=True)
                for name, part in self.slices["source"].items()
            }
        return kept


class Latency(_Part):
    """Milliseconds of one text of so many tokens through the graph."""

    tokens: int
    threads: int
    runs: int
    p50_ms: float
    p99_ms: float


class Drawn(_Part):
    """One drawing of a noise: drops are what the clean texts had more."""

    seed: int
    accuracy_drop: float
    macro_f1_drop: float
    flip_rate: float


class Noise(_Part):
    """What a noise costs: means over the seeds, and each. ``flip_rate``: answers that changed."""

    name: str
    strength: float
    changed: float = Field(description="share of the texts that it changed at all")
    accuracy_drop: float
    macro_f1_drop: float
    flip_rate: float
    seeds: list[Drawn]


class Failure(_Part):
    """A case that was answered wrongly: what was allowed, what was said."""

    text: str
    allowed: list[str]
    predicted: str
    probability: float


class Behaviour(_Part):
    """Cases of one kind, each a plain text and its counterpart.

    ``pass_rate`` is the share of counterparts answered as allowed (or, where the answer must stay,
    as the plain text is); ``plain_pass_rate`` that of the plain texts, so ``drop`` is what the kind
    itself costs. ``flip_rate``: counterparts with another answer than the plain text;
    ``wanted_flip_rate``: those that should have.
    """

    cases: int
    pass_rate: float
    plain_pass_rate: float
    drop: float
    flip_rate: float
    wanted_flip_rate: float
    pass_rate_by_seed: list[float]
    failures: list[Failure]


class RobustnessSetup(_Part):
    """The clean texts of the robustness figures: rows of a split, read one by one."""

    split: str
    rows: int
    seeds: list[int]
    strengths: list[float]
    accuracy: float
    macro_f1: float


class Environment(_Part):
    """Where it was measured: latency and int8 answers depend on it."""

    python: str
    onnxruntime: str
    processors: int
    machine: str


class Evaluation(_Part):
    """All of evaluation.json. ``format`` rises when a reader would have to change.

    ``robustness`` is by name and strength of the noise (``typo_swap@0.1``), ``behaviour`` by kind
    of case. ``limit`` is 0 where the splits are whole.
    """

    format: Literal[1] = 1
    version: str
    evaluated_at: datetime
    limit: int
    environment: Environment
    bytes: dict[str, int]
    latency: list[Latency] = Field(default_factory=list)
    abstain: Abstain | None = None
    splits: dict[str, SplitReport]
    robustness_setup: RobustnessSetup | None = None
    robustness: dict[str, Noise] = Field(default_factory=dict)
    behaviour: dict[str, Behaviour] = Field(default_factory=dict)

    def to_json(self) -> str:
        """The file's content; what is not known is left out."""
        return self.model_dump_json(indent=1, exclude_none=True) + "\n"
