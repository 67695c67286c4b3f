"""Measures rules on sources that they were not fitted on: one source is left out at a time."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from sagemaker_jobs.decide.config import DecideConfig
from sagemaker_jobs.decide.fit import fit
from sagemaker_jobs.decide.groups import Group
from sagemaker_jobs.evaluate.metrics import confidence_error, confusion_matrix, scores
from shared.runtime.decisions import NEUTRAL, decide
from shared.schemas.decisions import Kind, Rule

PLAIN = Rule()
"""What a model without rules does."""


class Measured(BaseModel):
    """Figures of a group under a rule; None where no row is neutral, or sure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy: float
    macro_f1: float
    neutral_recall: float | None
    ece: float
    share_sure: float
    sure_accuracy: float | None


class Row(BaseModel):
    """A group under the rule that was fitted on all other sources, and without rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    group: str
    natural: bool
    rows: int
    rule: Rule
    with_rule: Measured
    without: Measured


def leave_one_out(groups: Sequence[Group], config: DecideConfig) -> list[Row]:
    """A row for each group of one kind; none if there is only one source to fit on."""
    rules: dict[str, Rule] = {}
    for source in dict.fromkeys(group.source for group in groups):
        others = [group for group in groups if group.source != source]
        if others:
            rules[source] = fit(others, config)
    return [
        Row(
            kind=group.kind,
            group=group.name,
            natural=group.natural,
            rows=len(group.labels),
            rule=rules[group.source],
            with_rule=measure(group, rules[group.source]),
            without=measure(group, PLAIN),
        )
        for group in groups
        if group.source in rules
    ]


def measure(group: Group, rule: Rule) -> Measured:
    """The figures of a group under a rule."""
    decided = decide(rule, group.probabilities)
    correct = decided.labels == group.labels
    values = scores(confusion_matrix(group.labels, decided.labels))
    neutral = group.labels == NEUTRAL
    return Measured(
        accuracy=float(values["accuracy"]),
        macro_f1=float(values["macro_f1"]),
        neutral_recall=float(correct[neutral].mean()) if neutral.any() else None,
        ece=confidence_error(decided.confidences, correct),
        share_sure=float(decided.sure.mean()),
        sure_accuracy=float(correct[decided.sure].mean()) if decided.sure.any() else None,
    )


def mean(figures: Sequence[Measured]) -> Measured:
    """The mean of each figure over the groups that have it."""

    def of(name: str) -> float | None:
        values = [value for each in figures if (value := getattr(each, name)) is not None]
        return float(np.mean(values)) if values else None

    return Measured.model_validate({name: of(name) for name in Measured.model_fields})
