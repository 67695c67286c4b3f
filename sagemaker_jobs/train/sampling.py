"""Chooses the rows of each batch and their tokens."""

import random
from collections.abc import Sequence
from math import ceil, floor
from typing import Any

from tokenizers import Tokenizer

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.augment import add_noise
from sagemaker_jobs.train.config import TrainConfig

Batch = list[tuple[int, list[int]]]
"""Rows of the training data, each with its token ids in this epoch."""


def served_ids(tokenizer: Tokenizer, texts: Sequence[str], config: TrainConfig) -> list[list[int]]:
    """Token ids truncated as in serving."""
    return reviews.tokenise(tokenizer, texts, config.served_tokens, config.served_tail_tokens)


def training_ids(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    config: TrainConfig,
    rows: Sequence[int] | None = None,
) -> list[list[int]]:
    """Token ids for training: most texts truncated to max_tokens, some as in serving.

    Args:
        tokenizer: Of the base encoder.
        texts: n texts.
        config: Limits of tokens, and the share of texts truncated as in serving.
        rows: Rows of the n texts in the training data, which select that share.
    """
    ids = reviews.tokenise(tokenizer, texts, config.max_tokens, config.tail_tokens)
    share = config.whole_share
    served_indices = [
        index
        for index, row in enumerate(rows or range(len(texts)))
        if floor(row * share) != floor((row - 1) * share)
    ]
    served = served_ids(tokenizer, [texts[index] for index in served_indices], config)
    for index, tokens in zip(served_indices, served, strict=True):
        ids[index] = tokens
    return ids


class Sampler:
    """Batches of rows with similar lengths, for any number of epochs, from one seed.

    Its state is that of the generator at the start of the epoch, and the number of batches returned
    since.
    """

    def __init__(
        self, tokenizer: Tokenizer, data: reviews.LabelledTexts, config: TrainConfig
    ) -> None:
        self.labels = data.labels
        self.ids = training_ids(tokenizer, data.texts, config)
        self.batches_per_epoch = ceil(len(self.ids) / config.batch_size)
        self.epoch = -1
        self._texts, self._tokenizer, self._config = data.texts, tokenizer, config
        self._generator = random.Random(config.seed)  # noqa: S311 - order of batches
        self._epoch_start = self._generator.getstate()
        self._batches: list[Batch] = []
        self._taken = 0

    def next(self) -> Batch:
        """The next batch; after the last one, the first of a new epoch."""
        if self._taken == len(self._batches):
            self._begin(self.epoch + 1)
        self._taken += 1
        return self._batches[self._taken - 1]

    def state(self) -> dict[str, Any]:
        """State for restore; JSON."""
        return {"epoch": self.epoch, "taken": self._taken, "generator": self._epoch_start}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue after the batches that were already returned."""
        version, numbers, gauss = state["generator"]
        self._generator.setstate((version, tuple(numbers), gauss))
        self._begin(state["epoch"])
        self._taken = state["taken"]

    def _begin(self, epoch: int) -> None:
        self.epoch, self._taken = epoch, 0
        self._epoch_start = self._generator.getstate()
        rows = self._epoch_rows()
        ids = self._noisy_ids(epoch)
        ids = [ids[row] for row in rows]
        self._batches = [
            [(rows[index], ids[index]) for index in indices]
            for indices in reviews.batches(ids, self._config.batch_size, self._generator)
        ]

    def _epoch_rows(self) -> list[int]:
        """All rows once; with class_weights=draw, equally many per label, rare ones repeatedly."""
        every = list(range(len(self.ids)))
        if self._config.class_weights != "draw":
            return every
        by_label: dict[int, list[int]] = {}
        for row in every:
            by_label.setdefault(self.labels[row], []).append(row)
        chosen: list[int] = []
        for turn, label in enumerate(sorted(by_label)):
            count = (len(every) - len(chosen)) // (len(by_label) - turn)
            rows = by_label[label]
            chosen += rows * (count // len(rows))
            chosen += self._generator.sample(rows, count % len(rows))
        return chosen

    def _noisy_ids(self, epoch: int) -> list[list[int]]:
        """Token ids of all rows, a share of them with noise that differs in each epoch."""
        count = round(len(self.ids) * self._config.augment_share)
        if not count:
            return self.ids
        generator = random.Random(f"{self._config.seed} {epoch}")  # noqa: S311 - noise
        chosen = generator.sample(range(len(self.ids)), count)
        texts = [add_noise(self._texts[row], generator) for row in chosen]
        ids = list(self.ids)
        noisy = training_ids(self._tokenizer, texts, self._config, chosen)
        for row, tokens in zip(chosen, noisy, strict=True):
            ids[row] = tokens
        return ids
