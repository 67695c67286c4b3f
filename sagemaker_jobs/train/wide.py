"""The wide part of the head: a linear model over single tokens and adjacent pairs.

The encoder generalises; this part memorises the words and pairs of each rating. Together they are
more accurate than either (Cheng et al. 2016, Wide & Deep Learning, arXiv 1606.07792). It costs a
few look-ups beside the encoder's pass, in the same graph.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from sagemaker_jobs.train.data import LABELS

PAIR_BUCKETS = 2**17
"""Rows of the table of pairs, which are hashed into it."""
BEGINNING_TOKENS = 16
"""First tokens of a text, with tables of their own: they contain the title."""
_FACTOR = 7919
_MIN_TEXTS = 3
"""Minimum training texts that contain a token or pair; rarer ones have no weight."""
_CLASSES = len(LABELS)

Floats = npt.NDArray[np.float64]


class NgramTable(nn.Module):
    """Logits of a linear model over tf-idf of tokens and pairs.

    A row holds the terms that one occurrence adds: idf times the three weights, and idf squared.
    The sum of the former is divided by the root of the sum of the latter, which is the length of
    the tf-idf vector if nothing repeats. Untrained, the logits are zero.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.single = nn.Parameter(torch.zeros(vocabulary, _CLASSES + 1), requires_grad=False)
        self.pair = nn.Parameter(torch.zeros(PAIR_BUCKETS, _CLASSES + 1), requires_grad=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits (b, 3) of token ids and mask (b, t)."""
        buckets = (input_ids[:, :-1] * _FACTOR + input_ids[:, 1:]) % PAIR_BUCKETS
        singles = self.single[input_ids] * attention_mask.unsqueeze(-1)
        pairs = self.pair[buckets] * attention_mask[:, 1:].unsqueeze(-1)
        total = singles.sum(1) + pairs.sum(1)
        return total[:, :_CLASSES] / total[:, _CLASSES:].clamp(min=1e-6).sqrt()

    def features(self, ids: Sequence[Sequence[int]]) -> tuple[sp.csr_matrix, Floats]:
        """The tf-idf features of n texts, and the idf of each token and pair.

        Both have one column per row of the tables, in their order.
        """
        counts = _counts(ids, len(self.single))
        texts_with = np.asarray((counts > 0).sum(0)).ravel()
        idf: Floats = np.log((1 + len(ids)) / (1 + texts_with)) + 1
        idf[texts_with < _MIN_TEXTS] = 0
        scale = np.sqrt(counts @ (idf**2)).clip(min=1e-3)
        return (sp.diags(1 / scale) @ counts @ sp.diags(idf)).astype(np.float32), idf

    @torch.no_grad()
    def fill(self, weights: Floats, idf: Floats) -> None:
        """Set the tables from the weights (3, columns) of features and their idf."""
        rows = np.column_stack([(weights * idf).T, idf**2]).astype(np.float32)
        self.single.copy_(torch.from_numpy(rows[: len(self.single)]))
        self.pair.copy_(torch.from_numpy(rows[len(self.single) :]))

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Multiply the logits."""
        for table in (self.single, self.pair):
            table[:, :_CLASSES] *= factor


class WideLogits(nn.Module):
    """The sum of two linear models: of the whole text and of its beginning."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.whole = NgramTable(vocabulary)
        self.beginning = NgramTable(vocabulary)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits (b, 3) of token ids and mask (b, t)."""
        first = self.beginning(
            input_ids[:, :BEGINNING_TOKENS], attention_mask[:, :BEGINNING_TOKENS]
        )
        return self.whole(input_ids, attention_mask) + first

    def fit(self, ids: Sequence[Sequence[int]], labels: Sequence[int], seed: int) -> None:
        """Fit the tables in place by one logistic regression, in seconds.

        Args:
            ids: Token ids of n texts, without padding.
            labels: n labels, 0 negative, 1 neutral, 2 positive; each must occur.
            seed: Seed of the solver.
        """
        whole, whole_idf = self.whole.features(ids)
        first, first_idf = self.beginning.features([text[:BEGINNING_TOKENS] for text in ids])
        model = LogisticRegression(C=4.0, solver="saga", max_iter=15, tol=1e-3, random_state=seed)
        model.fit(sp.hstack([whole, first]).tocsr(), np.asarray(labels))
        weights = np.hsplit(model.coef_, 2)
        self.whole.fill(weights[0], whole_idf)
        self.beginning.fill(weights[1], first_idf)

    def scale(self, factor: float) -> None:
        """Multiply the logits."""
        self.whole.scale(factor)
        self.beginning.scale(factor)


class NoWideLogits(WideLogits):
    """Stands for the wide part in a model without one: adds nothing."""

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:  # noqa: ARG002 - none
        """Zero, for any input."""
        return torch.zeros((), device=input_ids.device)


def _counts(ids: Sequence[Sequence[int]], vocabulary: int) -> sp.csr_matrix:
    """Counts of each token and each bucket of pairs: n x (vocabulary + PAIR_BUCKETS)."""
    columns: list[npt.NDArray[np.int64]] = []
    for text in ids:
        tokens = np.asarray(text, dtype=np.int64)
        pairs = (tokens[:-1] * _FACTOR + tokens[1:]) % PAIR_BUCKETS
        columns.append(np.concatenate([tokens, vocabulary + pairs]))
    ends = np.cumsum([0, *map(len, columns)])
    shape = (len(ids), vocabulary + PAIR_BUCKETS)
    counts = sp.csr_matrix((np.ones(ends[-1]), np.concatenate(columns), ends), shape=shape)
    counts.sum_duplicates()
    return counts
