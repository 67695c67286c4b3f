"""Figures of pictures and texts in one space, in NumPy alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sagemaker_jobs.evaluate.intervals import LEVEL

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Hits = npt.NDArray[np.bool_]
RECALLS = (1, 5, 10)


def title_scores(pictures: Floats, vectors: Floats, titles: Ints) -> Floats:
    """Similarities (n, n) of n pictures (rows) to the titles of n products (columns).

    Equal titles get exactly equal scores: each distinct one is multiplied once.

    Args:
        pictures: (n, e) unit vectors.
        vectors: (t, e) unit vectors of distinct texts.
        titles: (n,) the text of each title.
    """
    distinct, inverse = np.unique(titles, return_inverse=True)
    scores: Floats = (pictures @ vectors[distinct].T)[:, inverse]
    return scores


def own_ranks(scores: Floats) -> Ints:
    """The rank (from 0) of each row's own column; of equal scores, the first comes first."""
    own = np.diagonal(scores)[:, None]
    places = np.arange(len(scores))
    before = (scores == own) & (places[None, :] < places[:, None])
    ranks: Ints = ((scores > own) | before).sum(1)
    return ranks


def retrieval_hits(scores: Floats) -> dict[str, Hits]:
    """Which products are found, by direction and number of results.

    Only the product's own picture or title counts, even if another has an equal title.
    """
    directions = {"picture_to_title": scores, "title_to_picture": scores.T}
    return {
        f"{name}@{count}": own_ranks(each) < count
        for name, each in directions.items()
        for count in RECALLS
    }


def validation_score(scores: Floats) -> float:
    """One number to choose by: the mean of all recalls."""
    return float(np.mean([hits.mean() for hits in retrieval_hits(scores).values()]))


def proportion(hits: Hits, resamples: int, seed: int) -> dict[str, Any]:
    """The share of hits with a 95% interval (percentile bootstrap over products).

    The resampled mean of values that are 0 or 1 has a binomial distribution, so it is drawn
    directly.
    """
    share = float(hits.mean())
    result: dict[str, Any] = {"value": share, "rows": len(hits)}
    if resamples:
        drawn = np.random.default_rng(seed).binomial(len(hits), share, resamples) / len(hits)
        tail = 50 * (1 - LEVEL)
        low, high = np.percentile(drawn, [tail, 100 - tail])
        result["interval"] = [float(low), float(high)]
    return result


def proportions(hits: Mapping[str, Hits], resamples: int, seed: int) -> dict[str, dict[str, Any]]:
    """``proportion`` of each."""
    return {name: proportion(each, resamples, seed) for name, each in hits.items()}
