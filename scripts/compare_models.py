"""Measure other ways to tell sentiment beside a model artefact, on the same splits.

    python scripts/compare_models.py DATA_FOLDER --splits cellphones,test [--artefact FOLDER]
        [--recipe FILE…] [--only NAME…] [--runs FOLDER] [--output FILE]

DATA_FOLDER is what prepare_training_data.py wrote. Each way is trained on its train.parquet:

- tf-idf: words and pairs, logistic regression, all rows;
- frozen encoder: embeddings of the base encoder, logistic regression;
- each recipe: a training of sagemaker_jobs.train, in float32, such as configs/ablations/*.json;
- the artefact, as it is served.

Prints and writes a Markdown table. What is trained stays in the runs folder under its recipe's name
and is not trained again: remove it when the recipe or the data change.
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tokenizers import Tokenizer

from sagemaker_jobs.evaluate.metrics import Floats, classification
from sagemaker_jobs.evaluate.model import ScoredModel, encode
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.__main__ import main as train
from sagemaker_jobs.train.base import BUNDLED, base_folder
from sagemaker_jobs.train.model import load_model
from sagemaker_jobs.train.teacher import base_embeddings

log = logging.getLogger("compare")
Logits = Callable[[Sequence[str]], Floats]
FROZEN_ROWS = {"negative": 9000, "neutral": 7000, "positive": 14000}
FIGURES = ("accuracy", "macro_f1", "weighted_f1", "roc_auc", "ece")
CUT = (256, 64)


def _log(probabilities: np.ndarray) -> Floats:
    return np.log(np.maximum(probabilities, 1e-12)).astype(np.float32)


def tf_idf(data: Path) -> Logits:
    """Words and pairs of words, of at least two texts each."""
    rows = reviews.read(data / "train.parquet")
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=200_000, sublinear_tf=True),
        LogisticRegression(C=4.0, max_iter=200),
    )
    model.fit(rows.texts, rows.labels)
    return lambda texts: _log(model.predict_proba(texts))


def frozen_encoder(data: Path) -> Logits:
    """The base encoder's embeddings as they are."""
    tokenizer = Tokenizer.from_file(str(base_folder(BUNDLED) / "tokenizer.json"))

    def embed(texts: Sequence[str]) -> Floats:
        return base_embeddings(BUNDLED, reviews.tokenise(tokenizer, texts, *CUT))

    rows = reviews.draw(reviews.read(data / "train.parquet"), FROZEN_ROWS, seed=13)
    model = LogisticRegression(C=10.0, max_iter=1000).fit(embed(rows.texts), rows.labels)
    return lambda texts: _log(model.predict_proba(embed(texts)))


def recipe(path: Path, runs: Path, data: Path) -> Logits:
    """A training run, answered by its torch module."""
    folder = runs / path.stem
    if not (folder / "run.json").is_file():
        places = ["--train-dir", str(data), "--output-dir", str(folder)]
        if train(["--recipe", str(path), *places]):
            raise SystemExit(f"the training of {path} failed")
    model = load_model(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    @torch.no_grad()
    def logits(texts: Sequence[str]) -> Floats:
        ids = reviews.tokenise(tokenizer, texts, *CUT)
        return reviews.over_batches(ids, 16, model)[1].numpy()  # type: ignore[no-any-return]

    return logits


def artefact(folder: Path) -> Logits:
    """A model as it is served."""
    model = ScoredModel(folder)
    return lambda texts: encode(model.session, model.tokenise(texts)[0])[1]


def measure(logits: Logits, data: Path, splits: Sequence[str]) -> list[dict[str, object]]:
    """Figures of each split."""
    found = []
    for name in splits:
        rows = reviews.read(data / f"{name}.parquet")
        found.append(classification(logits(rows.texts), np.array(rows.labels)))
    return found


def table(named: dict[str, list[dict[str, object]]], splits: Sequence[str]) -> str:
    """Markdown: a line for each way and split, and the mean over the splits."""
    lines = [
        "| model | evaluation | accuracy | macro-F1 | weighted F1 | ROC-AUC | calibration error |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, entries in named.items():
        values = np.array([[entry.get(key, np.nan) for key in FIGURES] for entry in entries], float)
        told = [*zip(splits, values, strict=True), ("mean", values.mean(0))]
        for split, row in told if len(splits) > 1 else told[:1]:
            lines.append(f"| {name} | {split} | " + " | ".join(f"{v:.3f}" for v in row) + " |")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Train what is missing, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the Parquet files")
    parser.add_argument("--splits", default="cellphones,test", help="comma separated")
    parser.add_argument("--artefact", type=Path, help="folder of a model to measure beside them")
    parser.add_argument("--recipe", type=Path, nargs="*", default=[], help="JSON files")
    parser.add_argument("--only", nargs="*", help="names of what to measure")
    parser.add_argument("--runs", type=Path, default=Path("runs/compared"))
    parser.add_argument("--output", type=Path, help="Markdown file; JSON is written beside it")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    ways: dict[str, Callable[[], Logits]] = {
        "tf-idf": partial(tf_idf, given.data),
        "frozen encoder": partial(frozen_encoder, given.data),
    }
    ways |= {path.stem: partial(recipe, path, given.runs, given.data) for path in given.recipe}
    if given.artefact:
        ways["artefact"] = partial(artefact, given.artefact)
    splits = given.splits.split(",")
    found = {}
    for name, make in ways.items():
        if given.only and name not in given.only:
            continue
        log.info("%s", name)
        found[name] = measure(make(), given.data, splits)
        print(table({name: found[name]}, splits), flush=True)
    if given.output:
        given.output.write_text(table(found, splits), encoding="utf-8")
        body = {name: dict(zip(splits, rows, strict=True)) for name, rows in found.items()}
        given.output.with_suffix(".json").write_text(json.dumps(body, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
