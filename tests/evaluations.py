"""Simulated evaluations: rows, and predictions of models with a chosen accuracy."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CLASSES = ("negative", "neutral", "positive")
SHARES = (0.25, 0.1, 0.65)
SOURCES = ("phones", "books", "toys", "tools")


class Simulation:
    """Rows with labels and a difficulty, which models predict with errors of their own."""

    def __init__(self, rows=6000, seed=5):
        random = np.random.default_rng(seed)
        self.labels = random.choice(3, size=rows, p=SHARES)
        self.hard = random.random(rows)
        self.source = np.array(SOURCES)[random.integers(len(SOURCES), size=rows)]
        self.keys = [f"{number:064x}" for number in random.permutation(rows)]
        self.splits = np.where(np.arange(rows) < rows // 2, "test", "phones")

    def predictions(self, accuracy=0.9, *, seed=1, worse=None, by=0.0, sharpness=1.0):
        """Probabilities of a model; in the source ``worse`` its accuracy is lower by ``by``."""
        random = np.random.default_rng(seed)
        # the difficulty of a row is mostly shared by all models
        luck = 0.7 * self.hard + 0.3 * random.random(len(self.labels))
        ranks = luck.argsort().argsort() / len(luck)
        accuracies = np.where(self.source == worse, accuracy - by, accuracy)
        correct = ranks < accuracies
        predicted = np.where(
            correct, self.labels, (self.labels + random.integers(1, 3, len(ranks))) % 3
        )
        # calibrated: errors are spread over the whole range of confidence
        confidence = np.clip(accuracy + 0.1 * (random.random(len(ranks)) - 0.5), 0.4, 0.99)
        confidence = np.clip(confidence * sharpness, 0.4, 0.999)
        probabilities = np.repeat(((1 - confidence) / 2)[:, None], 3, axis=1)
        probabilities[np.arange(len(predicted)), predicted] = confidence
        return probabilities

    def evaluation(
        self, folder, version, probabilities, robustness=None, rows=None, behaviour=None,
        behaviours=None,
    ):  # fmt: skip
        """Write the two files of sagemaker_jobs.evaluate, with the rows in another order."""
        folder.mkdir(parents=True)
        figures = {"version": version, "splits": {}, "robustness": robustness or {}}
        figures["behaviour"] = behaviour or {}
        figures["behaviours"] = behaviours
        (folder / "evaluation.json").write_text(json.dumps(figures))
        order = np.random.default_rng(len(version)).permutation(len(self.labels))[:rows]
        columns = {
            "split": self.splits[order],
            "key": np.array(self.keys)[order],
            "label": np.array(CLASSES)[self.labels[order]],
            "source": pa.array(self.source[order], mask=self.splits[order] == "phones"),
        }
        columns |= {f"p_{name}": probabilities[order, n] for n, name in enumerate(CLASSES)}
        pq.write_table(pa.table(columns), folder / "predictions.parquet")
        return folder
