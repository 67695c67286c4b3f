"""Evaluations of models that never were: rows, and what models of a chosen quality say of them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CLASSES = ("negative", "neutral", "positive")
SHARES = (0.25, 0.1, 0.65)
SOURCES = ("phones", "books", "toys", "tools")


class World:
    """Rows with labels and a difficulty; models answer them with their own luck."""

    def __init__(self, rows=6000, seed=5):
        random = np.random.default_rng(seed)
        self.labels = random.choice(3, size=rows, p=SHARES)
        self.hard = random.random(rows)
        self.source = np.array(SOURCES)[random.integers(len(SOURCES), size=rows)]
        self.keys = [f"{number:064x}" for number in random.permutation(rows)]
        self.splits = np.where(np.arange(rows) < rows // 2, "test", "phones")

    def answers(self, accuracy=0.9, *, seed=1, worse=None, by=0.0, sharpness=1.0):
        """Probabilities of a model; in the source ``worse`` it is right less often, by ``by``."""
        random = np.random.default_rng(seed)
        # what is hard for one is hard for another, but for a part that is each model's own
        luck = 0.7 * self.hard + 0.3 * random.random(len(self.labels))
        ranks = luck.argsort().argsort() / len(luck)
        wanted = np.where(self.source == worse, accuracy - by, accuracy)
        right = ranks < wanted
        said = np.where(right, self.labels, (self.labels + random.integers(1, 3, len(ranks))) % 3)
        # as sure as it is right: its errors are spread over the whole range of confidence
        confidence = np.clip(accuracy + 0.1 * (random.random(len(ranks)) - 0.5), 0.4, 0.99)
        confidence = np.clip(confidence * sharpness, 0.4, 0.999)
        probabilities = np.repeat(((1 - confidence) / 2)[:, None], 3, axis=1)
        probabilities[np.arange(len(said)), said] = confidence
        return probabilities

    def evaluation(
        self, folder, version, probabilities, robustness=None, rows=None, behaviour=None
    ):
        """The two files as sagemaker_jobs.evaluate writes them, in an order of their own."""
        folder.mkdir(parents=True)
        told = {"version": version, "splits": {}, "robustness": robustness or {}}
        told["behaviour"] = behaviour or {}
        (folder / "evaluation.json").write_text(json.dumps(told))
        kept = np.random.default_rng(len(version)).permutation(len(self.labels))[:rows]
        columns = {
            "split": self.splits[kept],
            "key": np.array(self.keys)[kept],
            "label": np.array(CLASSES)[self.labels[kept]],
            "source": pa.array(self.source[kept], mask=self.splits[kept] == "phones"),
        }
        columns |= {f"p_{name}": probabilities[kept, n] for n, name in enumerate(CLASSES)}
        pq.write_table(pa.table(columns), folder / "predictions.parquet")
        return folder
