"""Parts of a split, and the groups that fare worst."""

import numpy as np

from sagemaker_jobs.evaluate.metrics import Floats, Ints, classification
from sagemaker_jobs.evaluate.report import Figures, WorstGroup
from sagemaker_jobs.evaluate.rows import Texts

BANDS = (16, 64, 128, 256)
"""Most tokens of each length band; what is longer has a band of its own."""
GROUPS = ("product_id", "reviewer_key")
SLICES = ("source", "category", "length", "stars")
_WORST_PERCENTILE = 10


def length_bands(counts: Ints) -> Texts:
    """The name of each text's length band, from its tokens uncut."""
    lows = (1, *(most + 1 for most in BANDS))
    names = [f"{low}-{high}" for low, high in zip(lows, BANDS, strict=False)]
    names.append(f"over {BANDS[-1]}")
    return np.array(names)[np.searchsorted(BANDS, counts)]


def _in_order(values: set[str]) -> list[str]:
    """Names by their first number, where they begin with one."""
    return sorted(values, key=lambda name: (_leading(name), name))


def _leading(name: str) -> float:
    first, _, _ = name.partition("-")
    return float(first) if first.isdigit() else float("inf")


def by_slice(
    logits: Floats, labels: Ints, kinds: dict[str, Texts]
) -> dict[str, dict[str, Figures]]:
    """Figures of each part; a kind with fewer than two parts is left out.

    Args:
        logits: (n, 3).
        labels: (n,).
        kinds: For each kind of slice the part of each row; the empty string is none.
    """
    found: dict[str, dict[str, Figures]] = {}
    for kind, values in kinds.items():
        parts = _in_order(set(values.tolist()) - {""})
        if len(parts) > 1:
            found[kind] = {
                part: Figures.model_validate(classification(logits[here], labels[here]))
                for part in parts
                if (here := values == part).any()
            }
    return found


def worst_group(correct: Ints, groups: Texts, least: int) -> WorstGroup | None:
    """Accuracy of groups (products, reviewers) with enough rows; None where there is no such.

    Args:
        correct: (n,) 1 where the answer is right.
        groups: (n,) the group of each row; the empty string is none.
        least: Fewest rows of a group that counts.
    """
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    chosen = (sizes >= least) & (names != "")
    if not chosen.any():
        return None
    accuracy = (np.bincount(members, weights=correct) / sizes)[chosen]
    return WorstGroup(
        groups=int(chosen.sum()),
        min_rows=least,
        rows=int(sizes[chosen].sum()),
        mean=float(accuracy.mean()),
        p10=float(np.percentile(accuracy, _WORST_PERCENTILE)),
        worst=float(accuracy.min()),
    )
