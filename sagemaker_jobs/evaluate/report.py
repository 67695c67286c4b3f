"""Schema of evaluation.json; imports pydantic alone, so that any reader can use it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SUMMARY = (
    "rows", "accuracy", "polar_accuracy", "macro_f1", "weighted_f1", "ece", "confusion", "roc_auc",
    "recall_at_10",
)  # fmt: skip
"""Figures of a split that a manifest keeps."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figures(_Part):
    """Figures of a set of rows. ``confusion``: labels in rows, predictions in columns.

    ``polar_accuracy`` is the accuracy of choosing between negative and positive, on rows that are
    either; ``roc_auc`` the mean over one-vs-rest, if each class has rows; ``ece`` the expected
    calibration error over 15 bins.
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
    """Accuracy of groups with at least ``min_rows`` rows: mean, 10th percentile, worst."""

    groups: int
    min_rows: int
    rows: int
    mean: float
    p10: float
    worst: float


class Bin(_Part):
    """One bar of the reliability diagram: rows with a confidence in [low, high)."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


class CoveragePoint(_Part):
    """Share of rows with at least ``threshold`` confidence, and their accuracy (None: no rows)."""

    threshold: float
    coverage: float
    accuracy: float | None


class Abstain(CoveragePoint):
    """The threshold below which the model should not answer, chosen on ``split``."""

    split: str
    rows: int
    target_accuracy: float


class SplitReport(Figures):
    """Figures of one split. ``intervals``: 95% bootstrap intervals over rows, by figure name.

    ``slices`` are keyed by kind (source, category, length in tokens, stars) and part,
    ``worst_groups`` by product_id and reviewer_key. ``answered`` applies the abstain threshold.
    """

    recall_at_10: float | None = None
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    slices: dict[str, dict[str, Figures]] = Field(default_factory=dict)
    worst_groups: dict[str, WorstGroup] = Field(default_factory=dict)
    reliability: list[Bin] = Field(default_factory=list)
    coverage_curve: list[CoveragePoint] = Field(default_factory=list)
    answered: CoveragePoint | None = None

    def summary(self) -> dict[str, object]:
        """The figures that a manifest keeps, overall and by source."""
        summary: dict[str, object] = self.model_dump(include=set(SUMMARY), exclude_none=True)
        if "source" in self.slices:
            summary["by_source"] = {
                name: part.model_dump(exclude_none=True)
                for name, part in self.slices["source"].items()
            }
        return summary


class Latency(_Part):
    """Milliseconds of one graph pass over one text with ``tokens`` tokens."""

    tokens: int
    threads: int
    runs: int
    p50_ms: float
    p99_ms: float


class NoiseDraw(_Part):
    """One seed of a noise; drops are relative to the clean texts."""

    seed: int
    accuracy_drop: float
    macro_f1_drop: float
    flip_rate: float


class Noise(_Part):
    """Cost of a noise: means over the seeds, and each seed. ``flip_rate``: labels that changed."""

    name: str
    strength: float
    changed: float = Field(description="share of the texts that changed")
    accuracy_drop: float
    macro_f1_drop: float
    flip_rate: float
    seeds: list[NoiseDraw]


class Failure(_Part):
    """A failed case: the allowed labels and the predicted one."""

    text: str
    allowed: list[str]
    predicted: str
    probability: float


class Behaviour(_Part):
    """Cases of one kind, each a plain text and its counterpart.

    ``pass_rate`` is the share of counterparts with an allowed label (or the plain text's label, if
    it must not change); ``plain_pass_rate`` that of the plain texts, and ``drop`` the difference.
    ``flip_rate`` is the share of counterparts whose label differs from the plain
    text's; ``wanted_flip_rate`` the share whose label should differ.
    """

    cases: int
    pass_rate: float
    plain_pass_rate: float
    drop: float
    flip_rate: float
    wanted_flip_rate: float
    pass_rate_by_seed: list[float]
    failures: list[Failure]


class Failures(_Part):
    """How many cases got an answer that is not allowed."""

    cases: int
    failed: int
    failed_percent: float


class FamilyFailures(Failures):
    """Failures of a family of the behavioural suite, by expected answer, with examples.

    ``largest_difference`` is that of p(positive) - p(negative) between texts that must score alike.
    """

    expected: dict[str, Failures]
    largest_difference: float | None = None
    failures: list[Failure]


class ImplicitFigures(_Part):
    """Praise and complaint without an evaluative word, ranked by p(positive) - p(negative)."""

    cases: int
    accuracy: float
    auc: float
    failures: list[Failure]


class Behaviours(_Part):
    """Results of the behavioural suite (sagemaker_jobs.evaluate.behaviours)."""

    total: Failures
    families: dict[str, FamilyFailures]
    implicit: ImplicitFigures


class RobustnessSetup(_Part):
    """The clean texts of the robustness figures: rows of a split, encoded one by one."""

    split: str
    rows: int
    seeds: list[int]
    strengths: list[float]
    accuracy: float
    macro_f1: float


class Environment(_Part):
    """The machine of the evaluation: latency and int8 results depend on it."""

    python: str
    onnxruntime: str
    processors: int
    machine: str


class Evaluation(_Part):
    """Content of evaluation.json. ``format`` increases with each incompatible change.

    ``robustness`` is keyed by name and strength of the noise (``typo_swap@0.1``), ``behaviour`` by
    kind of case; ``behaviours`` is the suite of generated cases. ``limit`` is 0 if all rows were
    evaluated.
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
    behaviours: Behaviours | None = None

    def to_json(self) -> str:
        """The content of the file, without fields that are None."""
        return self.model_dump_json(indent=1, exclude_none=True) + "\n"
