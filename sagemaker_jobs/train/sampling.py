"""Which rows make each batch, and the tokens that they are read by."""

import random
from collections.abc import Sequence
from math import ceil, floor
from typing import Any

from tokenizers import Tokenizer

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.augment import noisy
from sagemaker_jobs.train.config import TrainConfig

Batch = list[tuple[int, list[int]]]
"""Rows of the training data, each with the token ids that it is read by this time."""


def served_ids(tokenizer: Tokenizer, texts: Sequence[str], config: TrainConfig) -> list[list[int]]:
    """Token ids as serving reads them."""
    return reviews.tokenise(tokenizer, texts, config.served_tokens, config.served_tail_tokens)


def training_ids(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    config: TrainConfig,
    rows: Sequence[int] | None = None,
) -> list[list[int]]:
    """Token ids as training reads them: most texts short, with their end; some as served.

    Args:
        tokenizer: Of the base encoder.
        texts: n texts.
        config: Where texts are cut, and how many as served.
        rows: The n texts' rows in the training data, which tell the ones from the others.
    """
    ids = reviews.tokenise(tokenizer, texts, config.max_tokens, config.tail_tokens)
    share = config.whole_share
    whole = [
        place
        for place, row in enumerate(rows or range(len(texts)))
        if floor(row * share) != floor((row - 1) * share)
    ]
    served = served_ids(tokenizer, [texts[place] for place in whole], config)
    for place, tokens in zip(whole, served, strict=True):
        ids[place] = tokens
    return ids


class Sampler:
    """Batches of rows of like length, epoch after epoch, from one seed.

    All that it needs to go on is its generator's state at the epoch's start and how many batches
    were taken since.
    """

    def __init__(self, tokenizer: Tokenizer, data: reviews.Labelled, config: TrainConfig) -> None:
        self.labels = data.labels
        self.ids = training_ids(tokenizer, data.texts, config)
        self.batches_per_epoch = ceil(len(self.ids) / config.batch_size)
        self.epoch = -1
        self._texts, self._tokenizer, self._config = data.texts, tokenizer, config
        self._generator = random.Random(config.seed)  # noqa: S311 - order of batches
        self._before = self._generator.getstate()
        self._batches: list[Batch] = []
        self._taken = 0

    def next(self) -> Batch:
        """The next batch; the first of a new epoch where the last one is through."""
        if self._taken == len(self._batches):
            self._begin(self.epoch + 1)
        self._taken += 1
        return self._batches[self._taken - 1]

    def state(self) -> dict[str, Any]:
        """What restore takes; JSON."""
        return {"epoch": self.epoch, "taken": self._taken, "generator": self._before}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on behind the batches that were taken."""
        version, numbers, gauss = state["generator"]
        self._generator.setstate((version, tuple(numbers), gauss))
        self._begin(state["epoch"])
        self._taken = state["taken"]

    def _begin(self, epoch: int) -> None:
        self.epoch, self._taken = epoch, 0
        self._before = self._generator.getstate()
        rows = self._rows()
        ids = self._noised_ids(epoch)
        ids = [ids[row] for row in rows]
        self._batches = [
            [(rows[place], ids[place]) for place in places]
            for places in reviews.batches(ids, self._config.batch_size, self._generator)
        ]

    def _rows(self) -> list[int]:
        """Each row once; or, drawn, as many of each label, the rare ones several times."""
        everything = list(range(len(self.ids)))
        if self._config.class_weights != "draw":
            return everything
        by_label: dict[int, list[int]] = {}
        for row in everything:
            by_label.setdefault(self.labels[row], []).append(row)
        drawn: list[int] = []
        for turn, label in enumerate(sorted(by_label)):
            count = (len(everything) - len(drawn)) // (len(by_label) - turn)
            rows = by_label[label]
            drawn += rows * (count // len(rows))
            drawn += self._generator.sample(rows, count % len(rows))
        return drawn

    def _noised_ids(self, epoch: int) -> list[list[int]]:
        """Token ids of all rows, a share of them with noise that no other epoch has."""
        count = round(len(self.ids) * self._config.augment_share)
        if not count:
            return self.ids
        generator = random.Random(f"{self._config.seed} {epoch}")  # noqa: S311 - noise
        chosen = generator.sample(range(len(self.ids)), count)
        texts = [noisy(self._texts[row], generator) for row in chosen]
        found = list(self.ids)
        noised = training_ids(self._tokenizer, texts, self._config, chosen)
        for row, tokens in zip(chosen, noised, strict=True):
            found[row] = tokens
        return found
