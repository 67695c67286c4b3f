"""Figures of the parts of a split, and of its worst groups."""

import numpy as np

from sagemaker_jobs.evaluate.metrics import Ints, figures
from sagemaker_jobs.evaluate.report import Figures, WorstGroup
from sagemaker_jobs.evaluate.rows import Texts
from shared.runtime.decisions import Decided

BANDS = (16, 64, 128, 256)
"""Maximum tokens of each length band; longer texts form one more band."""
GROUPS = ("product_id", "reviewer_key")
SLICES = ("source", "kind", "category", "length", "stars")
_WORST_PERCENTILE = 10


def length_bands(counts: Ints) -> Texts:
    """The length band of each text, by its number of tokens before truncation."""
    lows = (1, *(high + 1 for high in BANDS))
    names = [f"{low}-{high}" for low, high in zip(lows, BANDS, strict=False)]
    names.append(f"over {BANDS[-1]}")
    return np.array(names)[np.searchsorted(BANDS, counts)]


def _sorted_names(values: set[str]) -> list[str]:
    """Names sorted by a leading number, then alphabetically."""
    return sorted(values, key=lambda name: (_leading_number(name), name))


def _leading_number(name: str) -> float:
    first, _, _ = name.partition("-")
    return float(first) if first.isdigit() else float("inf")


def by_slice(
    decided: Decided, labels: Ints, kinds: dict[str, Texts]
) -> dict[str, dict[str, Figures]]:
    """Figures of each part; a kind with fewer than two parts is skipped.

    Args:
        decided: What the model says of n rows.
        labels: (n,).
        kinds: The part of each row, by kind of slice; the empty string means no part.
    """
    slices: dict[str, dict[str, Figures]] = {}
    for kind, values in kinds.items():
        parts = _sorted_names(set(values.tolist()) - {""})
        if len(parts) > 1:
            slices[kind] = {
                part: Figures.model_validate(figures(decided.take(mask), labels[mask]))
                for part in parts
                if (mask := values == part).any()
            }
    return slices


def worst_group(correct: Ints, groups: Texts, min_rows: int) -> WorstGroup | None:
    """Accuracy of groups (products, reviewers) with enough rows; None if there are none.

    Args:
        correct: (n,) 1 if the prediction is correct, else 0.
        groups: (n,) the group of each row; the empty string means no group.
        min_rows: Minimum rows of a group.
    """
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    chosen = (sizes >= min_rows) & (names != "")
    if not chosen.any():
        return None
    accuracy = (np.bincount(members, weights=correct) / sizes)[chosen]
    return WorstGroup(
        groups=int(chosen.sum()),
        min_rows=min_rows,
        rows=int(sizes[chosen].sum()),
        mean=float(accuracy.mean()),
        p10=float(np.percentile(accuracy, _WORST_PERCENTILE)),
        worst=float(accuracy.min()),
    )
