"""Runs the behavioural suite on a model."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from sagemaker_jobs.contrast.generate import ContrastRow, generate
from sagemaker_jobs.evaluate.behaviours.implicit import implicit_cases
from sagemaker_jobs.evaluate.report import (
    Behaviours,
    Failure,
    Failures,
    FamilyFailures,
    ImplicitFigures,
)
from shared.runtime.decisions import Decided
from shared.schemas.sentiment import LABELS, Sentiment

Predict = Callable[[Sequence[str]], Decided]
"""What a model says of n texts."""
MAX_DIFFERENCE = 0.05
"""How far p(positive) - p(negative) may differ between the rows of a group with one score."""
_MAX_EXAMPLES = 5
_FORBIDDEN = {"not_negative": Sentiment.NEGATIVE, "not_positive": Sentiment.POSITIVE}


@dataclass(frozen=True, slots=True)
class _Answer:
    """A model's answer to a row; ``difference`` is that of its score from the group's first."""

    row: ContrastRow
    says: Decided
    difference: float

    @property
    def allowed(self) -> list[str]:
        if self.row.rule == "same":
            return [self.expected]
        if self.row.rule in _FORBIDDEN:
            return [label.value for label in LABELS if label != _FORBIDDEN[self.row.rule]]
        return [self.row.sentiment.value]

    @property
    def expected(self) -> str:
        names = {"same": "same score", "label": self.row.sentiment.value}
        return names.get(self.row.rule, self.row.rule.replace("_", " "))

    @property
    def passed(self) -> bool:
        if self.row.rule == "same":
            return self.difference <= MAX_DIFFERENCE
        return self.says.sentiments[0] in self.allowed


def measure(predict: Predict, *, seed: int = 0) -> dict[str, Behaviours]:
    """The field ``behaviours`` of an evaluation.

    Args:
        predict: The model. It should encode texts one by one (``Reader.decide``).
        seed: Seed of the contrast rows.
    """
    rows = generate("test", seed)
    families: defaultdict[str, list[_Answer]] = defaultdict(list)
    decided = predict([row.text for row in rows])
    each = [decided.take(np.array([place])) for place in range(len(rows))]
    for _, group in groupby(zip(rows, each, strict=True), lambda pair: pair[0].twin):
        answers = _compare(list(group))
        families[answers[0].row.family] += answers
    figures = {name: _family(answers) for name, answers in families.items()}
    total = _count(answer for answers in families.values() for answer in answers)
    return {
        "behaviours": Behaviours(total=total, families=figures, implicit=measure_implicit(predict))
    }


def _compare(group: Sequence[tuple[ContrastRow, Decided]]) -> list[_Answer]:
    """The answers of a group; the row that others are compared with is not a case itself."""
    first = _score(group[0][1])
    answers = [_Answer(row, each, abs(_score(each) - first)) for row, each in group]
    return answers[1:] if answers[0].row.rule == "same" else answers


def _family(answers: Sequence[_Answer]) -> FamilyFailures:
    expected = sorted({answer.expected for answer in answers})
    failed = [answer for answer in answers if not answer.passed]
    step = max(1, len(failed) // _MAX_EXAMPLES)
    return FamilyFailures(
        **_count(answers).model_dump(),
        expected={
            name: _count(answer for answer in answers if answer.expected == name)
            for name in expected
        },
        largest_difference=max(
            (answer.difference for answer in answers if answer.row.rule == "same"), default=None
        ),
        failures=[
            _failure(answer.row.text, answer.allowed, answer.says)
            for answer in failed[::step][:_MAX_EXAMPLES]
        ],
    )


def measure_implicit(predict: Predict) -> ImplicitFigures:
    """How well p(positive) - p(negative) separates implicit praise from implicit complaint."""
    cases = implicit_cases()
    decided = predict([text for text, _ in cases])
    probabilities = decided.probabilities
    scores = probabilities[:, 2] - probabilities[:, 0]
    praise = np.array([sentiment is Sentiment.POSITIVE for _, sentiment in cases])
    correct = (scores > 0) == praise
    order = np.sign(scores[praise][:, None] - scores[~praise][None, :])
    return ImplicitFigures(
        cases=len(cases),
        accuracy=float(correct.mean()),
        auc=float((order + 1).mean() / 2),  # a tie counts half
        failures=[
            _failure(cases[i][0], [cases[i][1]], decided.take(np.array([i])))
            for i in np.flatnonzero(~correct)
        ],
    )


def _count(answers: Iterable[_Answer]) -> Failures:
    passed = [answer.passed for answer in answers]
    failed = passed.count(False)
    return Failures(
        cases=len(passed), failed=failed, failed_percent=round(100 * failed / len(passed), 1)
    )


def _score(says: Decided) -> float:
    return float(says.probabilities[0, 2] - says.probabilities[0, 0])


def _failure(text: str, allowed: Sequence[str], says: Decided) -> Failure:
    return Failure(
        text=text,
        allowed=list(allowed),
        predicted=says.sentiments[0],
        probability=float(says.confidences[0]),
    )
