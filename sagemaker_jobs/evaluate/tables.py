"""An evaluation as sections of tables, for Markdown and HTML alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sagemaker_jobs.evaluate.report import Behaviours, Evaluation, Failures, Figures, SplitReport
from shared.schemas.sentiment import LABELS

_COLUMNS = ("rows", "accuracy", "polar_accuracy", "macro_f1", "weighted_f1", "roc_auc", "ece")
_HEADINGS = ("rows", "accuracy", "negative against positive", "macro-F1", "weighted F1", "ROC-AUC",
          "calibration error")  # fmt: skip

_SINGLE_LABEL_COLUMNS = ("rows", "accuracy", "ece")
"""Columns that are defined when all rows have one label, such as rows with one rating."""


@dataclass(frozen=True)
class Table:
    """Formatted cells, and a note to print below them."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Tables under a title; ``kind`` and ``name`` select the plots."""

    title: str
    kind: str
    name: str
    tables: list[Table] = field(default_factory=list)


def decimal(value: float | None, digits: int = 3) -> str:
    """Format a number for a table; None is the empty string."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def _cells(figures: Figures, columns: Sequence[str] = _COLUMNS) -> list[str]:
    return [decimal(getattr(figures, name)) for name in columns]


def sections(evaluation: Evaluation) -> Iterator[Section]:
    """The sections of the report, in order."""
    yield Section("Overview", "overview", "", [_overview(evaluation.splits)])
    for name, split in evaluation.splits.items():
        yield Section(f"Split {name}", "split", name, list(_split(evaluation, split)))
    if evaluation.robustness:
        yield Section("Robustness", "robustness", "", [_robustness(evaluation)])
    if evaluation.behaviour:
        yield Section("Behavioural cases", "behaviour", "", list(_behaviour(evaluation)))
    if evaluation.behaviours is not None:
        yield Section("Behavioural suite", "behaviours", "", list(_suite(evaluation.behaviours)))
    yield Section("Speed and size", "speed", "", list(_speed(evaluation)))


def _overview(splits: Mapping[str, SplitReport]) -> Table:
    rows = [[name, *_cells(split), decimal(split.recall_at_10)] for name, split in splits.items()]
    return Table("All splits", ["split", *_HEADINGS, "recall@10"], rows)


def _split(evaluation: Evaluation, split: SplitReport) -> Iterator[Table]:
    if split.intervals:
        rows = [
            [name, decimal(getattr(split, name)), decimal(low), decimal(high)]
            for name, (low, high) in split.intervals.items()
        ]
        headings = ["figure", "value", "from", "to"]
        yield Table("Confidence intervals", headings, rows, "95%, bootstrap over rows")
    names = [label.value for label in LABELS]
    counts = [[name, *map(str, row)] for name, row in zip(names, split.confusion, strict=True)]
    yield Table("Confusion", ["label", *(f"predicted {name}" for name in names)], counts)
    for kind, parts in split.slices.items():
        columns = _SINGLE_LABEL_COLUMNS if kind == "stars" else _COLUMNS
        headings = [_HEADINGS[_COLUMNS.index(name)] for name in columns]
        cells = [[part, *_cells(figures, columns)] for part, figures in parts.items()]
        note = "in tokens" if kind == "length" else ""
        yield Table(f"By {kind}", [kind, *headings], cells, note)
    if split.worst_groups:
        rows = [
            [name, str(g.groups), str(g.min_rows), *map(decimal, (g.mean, g.p10, g.worst))]
            for name, g in split.worst_groups.items()
        ]
        headings = ["group", "groups", "minimum rows", "mean", "10th percentile", "worst"]
        yield Table("Accuracy by group", headings, rows)
    if split.answered is not None and evaluation.abstain is not None:
        chosen, answered = evaluation.abstain, split.answered
        figures = (answered.threshold, answered.coverage, answered.accuracy)
        row = [decimal(figure) for figure in figures]
        note = f"chosen on {chosen.split} for an accuracy of {chosen.target_accuracy:g}"
        yield Table("Abstaining", ["threshold", "answered", "accuracy of answered"], [row], note)


def _robustness(evaluation: Evaluation) -> Table:
    rows = [
        [
            noise.name, f"{noise.strength:g}", decimal(noise.changed),
            decimal(noise.accuracy_drop, 4), decimal(noise.macro_f1_drop, 4),
            decimal(max(s.macro_f1_drop for s in noise.seeds), 4), decimal(noise.flip_rate, 4),
        ]
        for noise in evaluation.robustness.values()
    ]  # fmt: skip
    setup = evaluation.robustness_setup
    note = ""
    if setup is not None:
        note = (
            f"{setup.rows} rows of {setup.split}, {len(setup.seeds)} seed(s); without noise"
            f" accuracy {setup.accuracy:.3f}, macro-F1 {setup.macro_f1:.3f}"
        )
    headings = ["noise", "strength", "texts changed", "loss of accuracy", "loss of macro-F1",
            "of the worst seed", "labels changed"]  # fmt: skip
    return Table("Cost of noise", headings, rows, note)


def _behaviour(evaluation: Evaluation) -> Iterator[Table]:
    rows = [
        [
            kind, str(each.cases), decimal(each.pass_rate), decimal(each.plain_pass_rate),
            decimal(each.drop), decimal(each.flip_rate), decimal(each.wanted_flip_rate),
        ]
        for kind, each in evaluation.behaviour.items()
    ]  # fmt: skip
    headings = ["kind", "cases", "passed", "plain texts passed", "loss", "labels changed",
            "labels that should change"]  # fmt: skip
    yield Table("Pass rates", headings, rows)
    failed = [
        [kind, one.text, " or ".join(one.allowed), f"{one.predicted} ({one.probability:.2f})"]
        for kind, each in evaluation.behaviour.items()
        for one in each.failures
    ]
    if failed:
        yield Table("Examples of failures", ["kind", "text", "expected", "predicted"], failed)


def _suite(suite: Behaviours) -> Iterator[Table]:
    counts: list[tuple[str, str, Failures, float | None]] = [("all", "", suite.total, None)]
    counts += [
        (family, expected, count, each.largest_difference if expected == "same score" else None)
        for family, each in suite.families.items()
        for expected, count in each.expected.items()
    ]
    rows = [
        [
            family, expected, str(count.cases), str(count.failed),
            decimal(count.failed_percent, 1), decimal(difference),
        ]
        for family, expected, count, difference in counts
    ]  # fmt: skip
    headings = ["family", "expected", "cases", "failed", "failed (%)", "largest difference"]
    yield Table("Failures", headings, rows, "scores are p(positive) - p(negative)")
    implicit = suite.implicit
    row = [str(implicit.cases), decimal(implicit.accuracy), decimal(implicit.auc)]
    yield Table("Implicit praise and complaint", ["cases", "accuracy", "ROC-AUC"], [row])
    failures = {name: family.failures for name, family in suite.families.items()}
    failures["implicit, by hand"] = implicit.failures
    examples = [
        [name, one.text, " or ".join(one.allowed), f"{one.predicted} ({one.probability:.2f})"]
        for name, part in failures.items()
        for one in part
    ]
    if examples:
        yield Table("Examples", ["family", "text", "allowed", "predicted"], examples)


def _speed(evaluation: Evaluation) -> Iterator[Table]:
    rows = [
        [
            str(x.tokens),
            str(x.threads),
            decimal(x.p50_ms, 2),
            decimal(x.p99_ms, 2),
            str(x.runs),
        ]
        for x in evaluation.latency
    ]
    if rows:
        headings = ["tokens", "threads", "p50 (ms)", "p99 (ms)", "runs"]
        yield Table("Latency of one text", headings, rows)
    sizes = [[name, f"{size:,}"] for name, size in evaluation.bytes.items()]
    yield Table("Files", ["file", "bytes"], sizes)
