"""The figures of a fit as Markdown, for the model card."""

from collections.abc import Iterator, Sequence

from sagemaker_jobs.decide.measure import Measured, Row, mean
from sagemaker_jobs.evaluate.tables import decimal
from shared.schemas.decisions import Decisions, Kind, Rule

_HEADINGS = ("rows", "accuracy", "macro-F1", "neutral recall", "calibration error", "sure",
             "right where sure")  # fmt: skip


def markdown(decisions: Decisions, rows: Sequence[Row]) -> str:
    """The rules, and a table for each kind; each cell has the figure without rules in brackets."""
    lines = [
        "| kind | factor for neutral | temperature | bias of negative | of neutral | sure from |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [_rule_line(kind, decisions.rule(kind)) for kind in Kind]
    for kind in Kind:
        chosen = [row for row in rows if row.kind is kind]
        if chosen:
            lines += ["", *_table(kind, chosen)]
    return "\n".join(lines) + "\n"


def _rule_line(kind: Kind, rule: Rule) -> str:
    goal = f"{100 * rule.sure_accuracy:g} of 100 right"
    sure = f"never ({goal})" if rule.sure_above is None else f"{rule.sure_above:.3f} ({goal})"
    numbers = (rule.neutral_factor, rule.temperature, rule.negative_bias, rule.neutral_bias)
    return f"| {kind.value} | {' | '.join(f'{number:.2f}' for number in numbers)} | {sure} |"


def _table(kind: Kind, rows: Sequence[Row]) -> Iterator[str]:
    yield f"| {kind.value}: source left out of the fit | {' | '.join(_HEADINGS)} |"
    yield "|---|" + "---:|" * len(_HEADINGS)
    for row in rows:
        yield _line(row.group, f"{row.rows:,}", row.with_rule, row.without)
    means = [mean([getattr(row, name) for row in rows]) for name in ("with_rule", "without")]
    yield _line("**mean**", "", *means)


def _line(name: str, count: str, with_rule: Measured, without: Measured) -> str:
    cells = [
        f"{decimal(getattr(with_rule, field))} ({decimal(getattr(without, field))})"
        if getattr(with_rule, field) is not None or getattr(without, field) is not None
        else ""
        for field in Measured.model_fields
    ]
    return f"| {name} | {count} | {' | '.join(cells)} |"
