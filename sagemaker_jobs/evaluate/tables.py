"""An evaluation as sections of tables, for Markdown and HTML alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sagemaker_jobs.evaluate.report import Evaluation, Figures, SplitReport
from shared.schemas.sentiment import LABELS

_COLUMNS = ("rows", "accuracy", "polar_accuracy", "macro_f1", "weighted_f1", "roc_auc", "ece")
_HEADS = ("rows", "accuracy", "negative against positive", "macro-F1", "weighted F1", "ROC-AUC",
          "calibration error")  # fmt: skip

_OF_ONE_LABEL = ("rows", "accuracy", "ece")
"""What means something where all rows have one label, as all of one star do."""


@dataclass(frozen=True)
class Table:
    """Cells as they are shown; a note stands below."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """``kind`` and ``name`` say which plots belong to it."""

    title: str
    kind: str
    name: str
    tables: list[Table] = field(default_factory=list)


def shown(value: float | None, digits: int = 3) -> str:
    """A number for a table; nothing where it is not known."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def _cells(figures: Figures, columns: Sequence[str] = _COLUMNS) -> list[str]:
    return [shown(getattr(figures, name)) for name in columns]


def sections(evaluation: Evaluation) -> Iterator[Section]:
    """What the report shows, in order."""
    yield Section("Overview", "overview", "", [_overview(evaluation.splits)])
    for name, split in evaluation.splits.items():
        yield Section(f"Split {name}", "split", name, list(_split(evaluation, split)))
    if evaluation.robustness:
        yield Section("Robustness", "robustness", "", [_robustness(evaluation)])
    if evaluation.behaviour:
        yield Section("Behavioural cases", "behaviour", "", list(_behaviour(evaluation)))
    yield Section("Speed and size", "speed", "", list(_speed(evaluation)))


def _overview(splits: Mapping[str, SplitReport]) -> Table:
    rows = [[name, *_cells(split), shown(split.recall_at_10)] for name, split in splits.items()]
    return Table("Every split", ["split", *_HEADS, "recall@10"], rows)


def _split(evaluation: Evaluation, split: SplitReport) -> Iterator[Table]:
    if split.intervals:
        rows = [
            [name, shown(getattr(split, name)), shown(low), shown(high)]
            for name, (low, high) in split.intervals.items()
        ]
        yield Table(
            "How sure it is", ["figure", "value", "from", "to"], rows, "95%, bootstrap over rows"
        )
    names = [label.value for label in LABELS]
    counts = [[name, *map(str, row)] for name, row in zip(names, split.confusion, strict=True)]
    yield Table("Confusion", ["label", *(f"said {name}" for name in names)], counts)
    for kind, parts in split.slices.items():
        columns = _OF_ONE_LABEL if kind == "stars" else _COLUMNS
        heads = [_HEADS[_COLUMNS.index(name)] for name in columns]
        cells = [[part, *_cells(figures, columns)] for part, figures in parts.items()]
        note = "in tokens" if kind == "length" else ""
        yield Table(f"By {kind}", [kind, *heads], cells, note)
    if split.worst_groups:
        rows = [
            [name, str(g.groups), str(g.min_rows), shown(g.mean), shown(g.p10), shown(g.worst)]
            for name, g in split.worst_groups.items()
        ]
        head = ["group", "groups", "fewest rows", "mean", "10th percentile", "worst"]
        yield Table("Accuracy of groups", head, rows)
    if split.answered is not None and evaluation.abstain is not None:
        chosen, here = evaluation.abstain, split.answered
        row = [shown(here.threshold), shown(here.coverage), shown(here.accuracy)]
        note = f"chosen on {chosen.split} for an accuracy of {chosen.target_accuracy:g}"
        yield Table("Abstaining", ["threshold", "answered", "accuracy of those"], [row], note)


def _robustness(evaluation: Evaluation) -> Table:
    rows = [
        [
            noise.name, f"{noise.strength:g}", shown(noise.changed), shown(noise.accuracy_drop, 4),
            shown(noise.macro_f1_drop, 4), shown(max(s.macro_f1_drop for s in noise.seeds), 4),
            shown(noise.flip_rate, 4),
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
    head = ["noise", "strength", "texts changed", "loss of accuracy", "loss of macro-F1",
            "of the worst seed", "answers that changed"]  # fmt: skip
    return Table("What noise costs", head, rows, note)


def _behaviour(evaluation: Evaluation) -> Iterator[Table]:
    rows = [
        [
            kind, str(each.cases), shown(each.pass_rate), shown(each.plain_pass_rate),
            shown(each.drop), shown(each.flip_rate), shown(each.wanted_flip_rate),
        ]
        for kind, each in evaluation.behaviour.items()
    ]  # fmt: skip
    head = ["kind", "cases", "passed", "plain texts passed", "loss", "answers that changed",
            "that should have"]  # fmt: skip
    yield Table("Pass rates", head, rows)
    failed = [
        [kind, one.text, " or ".join(one.allowed), f"{one.predicted} ({one.probability:.2f})"]
        for kind, each in evaluation.behaviour.items()
        for one in each.failures
    ]
    if failed:
        yield Table("Some that failed", ["kind", "text", "expected", "answered"], failed)


def _speed(evaluation: Evaluation) -> Iterator[Table]:
    rows = [
        [str(x.tokens), str(x.threads), shown(x.p50_ms, 2), shown(x.p99_ms, 2), str(x.runs)]
        for x in evaluation.latency
    ]
    if rows:
        head = ["tokens", "threads", "p50 (ms)", "p99 (ms)", "runs"]
        yield Table("One text through the graph", head, rows)
    sizes = [[name, f"{size:,}"] for name, size in evaluation.bytes.items()]
    yield Table("Files", ["file", "bytes"], sizes)
