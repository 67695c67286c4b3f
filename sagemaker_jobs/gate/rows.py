"""Explains how the rows of two evaluations differ."""

from collections import Counter

from sagemaker_jobs.gate.evaluation import Evaluation

Rows = Counter[tuple[str, int]]
"""Rows (text hash, label) with their number of occurrences."""


def row_mismatch(current: Evaluation, candidate: Evaluation) -> str | None:
    """How the candidate's rows differ from the current model's; None if they are the same."""
    if current.rows_sha256 == candidate.rows_sha256:
        return None
    actual, expected = _rows_by_split(candidate), _rows_by_split(current)
    required = ", ".join(f"{split} ({rows.total():,} rows)" for split, rows in expected.items())
    differences = [
        _difference(split, actual.get(split), expected.get(split)) for split in actual | expected
    ]
    limit = f" --limit {current.figures.limit}" if current.figures.limit else ""
    name = candidate.figures.version
    return (
        f"the models were evaluated on different rows or labels: {current.figures.version} on"
        f" {required}; the evaluation of {name} {'; '.join(filter(None, differences))}. Evaluate"
        f" {name} on the same files (sagemaker_jobs.evaluate --splits {','.join(expected)}{limit})"
        " and add the result with `reviewlens models add MODEL --evaluation FOLDER`"
    )


def _rows_by_split(evaluation: Evaluation) -> dict[str, Rows]:
    splits: dict[str, Rows] = {}
    columns = (evaluation.splits, evaluation.keys, evaluation.labels)
    for split, key, label in zip(*(column.tolist() for column in columns), strict=True):
        splits.setdefault(split, Counter())[key, label] += 1
    return splits


def _difference(split: str, actual: Rows | None, expected: Rows | None) -> str | None:
    """Missing and additional rows of a split; None if there are none."""
    if actual is None:
        return f"has no {split}"
    if expected is None:
        return f"has {split}, which the other lacks"
    if actual == expected:
        return None
    common = (actual & expected).total()
    return f"has {common:,} of the rows of {split} and {actual.total() - common:,} others"
