"""Compare other sentiment classifiers with a model artefact, on the same splits.

    python scripts/model/compare_models.py DATA_FOLDER --splits cellphones,test [--artefact FOLDER]
        [--recipe FILE…] [--only NAME…] [--limit ROWS] [--noise ROWS] [--recall ROWS]
        [--runs FOLDER] [--output FILE]

DATA_FOLDER is the output of prepare_training_data.py. The models are trained on its train.parquet:

- tf-idf: words and word pairs, logistic regression, all rows;
- frozen encoder: embeddings of the base encoder, logistic regression;
- each recipe: a training run of sagemaker_jobs.train in float32, such as configs/ablations/*.json;
- the artefact, as it is served.

``--noise`` and ``--recall`` measure on the first split how much noise in a tenth of the words
costs, and how many of the base encoder's ten nearest neighbours the embeddings keep.

Prints and writes a Markdown table. Trained models stay in the runs folder under the names of their
recipes and are used again: remove them when the recipe or the data change.
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

from sagemaker_jobs.evaluate.metrics import Floats, classification, recall_at
from sagemaker_jobs.evaluate.model import ScoredModel
from sagemaker_jobs.evaluate.robustness.measure import noises
from sagemaker_jobs.evaluate.robustness.perturbations import PERTURBATIONS
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.__main__ import main as train
from sagemaker_jobs.train.base import BUNDLED, base_folder
from sagemaker_jobs.train.model import load_model
from sagemaker_jobs.train.teacher import base_embeddings
from shared.runtime.decisions import decide
from shared.schemas.decisions import Rule

log = logging.getLogger("compare")
Predictions = tuple[Floats | None, Floats]
"""Embeddings (n, d), or None if a model has none, and logits (n, 3)."""
Model = Callable[[Sequence[str]], Predictions]
FROZEN_ROWS = {"negative": 9000, "neutral": 7000, "positive": 14000}
NOISES = ("typos", "punctuation_added", "emoji", "special_characters")
FIGURES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "weighted_f1": "weighted F1",
    "roc_auc": "ROC-AUC",
    "ece": "calibration error",
    "recall_at_10": "recall@10",
    "noise_macro_f1": "macro-F1 lost to noise",
    "noise_flips": "answers turned by it",
}
TOKEN_LIMITS = (256, 64)
"""Tokens of a text, and how many of them are taken from its end."""


def _log(probabilities: np.ndarray) -> Floats:
    return np.log(np.maximum(probabilities, 1e-12)).astype(np.float32)


def tf_idf(data: Path) -> Model:
    """A linear model on words and word pairs that occur in at least two texts."""
    rows = reviews.read_labelled(data / "train.parquet")
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=200_000, sublinear_tf=True),
        LogisticRegression(C=4.0, max_iter=200),
    )
    model.fit(rows.texts, rows.labels)
    return lambda texts: (None, _log(model.predict_proba(texts)))


def frozen_encoder(data: Path) -> Model:
    """A linear model on the embeddings of the base encoder."""
    tokenizer = Tokenizer.from_file(str(base_folder(BUNDLED) / "tokenizer.json"))

    def embed(texts: Sequence[str]) -> Floats:
        return base_embeddings(BUNDLED, reviews.tokenise(tokenizer, texts, *TOKEN_LIMITS))

    rows = reviews.draw_rows(reviews.read_labelled(data / "train.parquet"), FROZEN_ROWS, seed=13)
    model = LogisticRegression(C=10.0, max_iter=1000).fit(embed(rows.texts), rows.labels)
    return lambda texts: (None, _log(model.predict_proba(embed(texts))))


def recipe(path: Path, runs: Path, data: Path) -> Model:
    """The torch module of a training run with a recipe."""
    folder = runs / path.stem
    if not (folder / "run.json").is_file():
        folders = ["--train-dir", str(data), "--output-dir", str(folder)]
        if train(["--recipe", str(path), *folders]):
            raise SystemExit(f"the training of {path} failed")
    model = load_model(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    @torch.no_grad()
    def predict(texts: Sequence[str]) -> Predictions:
        ids = reviews.tokenise(tokenizer, texts, *TOKEN_LIMITS)
        embeddings, logits = reviews.map_batches(ids, 16, model)
        return embeddings.numpy(), logits.numpy()

    return predict


def artefact(folder: Path) -> Model:
    """A model as it is served."""
    model = ScoredModel(folder)

    def predict(texts: Sequence[str]) -> Predictions:
        read = model.read(texts)
        return read.embeddings, read.logits

    return predict


def rows_of(data: Path, split: str, limit: int) -> reviews.LabelledTexts:
    """A split, or ``limit`` rows of it, evenly spaced."""
    rows = reviews.read_labelled(data / f"{split}.parquet")
    if not limit or limit >= len(rows.texts):
        return rows
    selected = np.linspace(0, len(rows.texts) - 1, limit).astype(int)
    return reviews.LabelledTexts(*([part[row] for row in selected] for part in rows))


def measure(model: Model, splits: Sequence[reviews.LabelledTexts]) -> list[dict[str, object]]:
    """Figures of each split."""
    return [classification(model(rows.texts)[1], np.array(rows.labels)) for rows in splits]


def noise(model: Model, rows: reviews.LabelledTexts) -> dict[str, object]:
    """Loss of macro-F1 and share of changed predictions, as means over NOISES."""
    _, results = noises(
        lambda texts: decide(Rule(), np.exp(model(texts)[1])),  # only the order in a row matters
        rows.texts,
        np.array(rows.labels),
        split="first",
        seeds=(0,),
        perturbations={name: PERTURBATIONS[name] for name in NOISES},
    )
    return {
        "noise_macro_f1": float(np.mean([each.macro_f1_drop for each in results.values()])),
        "noise_flips": float(np.mean([each.flip_rate for each in results.values()])),
    }


def recall(model: Model, rows: reviews.LabelledTexts) -> dict[str, object]:
    """Share of the base encoder's ten nearest neighbours that a model's embeddings find."""
    embeddings, _ = model(rows.texts)
    if embeddings is None:
        return {}
    tokenizer = Tokenizer.from_file(str(base_folder(BUNDLED) / "tokenizer.json"))
    base = base_embeddings(BUNDLED, reviews.tokenise(tokenizer, rows.texts, *TOKEN_LIMITS))
    return {"recall_at_10": recall_at(10, embeddings, base)}


def table(results: dict[str, list[dict[str, object]]], splits: Sequence[str]) -> str:
    """A Markdown table with a line for each model and split, and for the mean of the splits."""
    entries = [entry for rows in results.values() for entry in rows]
    keys = [key for key in FIGURES if any(key in entry for entry in entries)]
    lines = [
        "| model | evaluation | " + " | ".join(FIGURES[key] for key in keys) + " |",
        "|---|---|" + "---:|" * len(keys),
    ]
    for name, rows in results.items():
        values = np.array([[entry.get(key, np.nan) for key in keys] for entry in rows], float)
        named_rows = [*zip(splits, values, strict=True), ("mean", values.mean(0))]
        for split, row in named_rows if len(splits) > 1 else named_rows[:1]:
            cells = ("" if np.isnan(value) else f"{value:.3f}" for value in row)
            lines.append(f"| {name} | {split} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Train missing models, measure all, print the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the Parquet files")
    parser.add_argument("--splits", default="cellphones,test", help="comma separated")
    parser.add_argument("--artefact", type=Path, help="folder of a model to compare with")
    parser.add_argument("--recipe", type=Path, nargs="*", default=[], help="JSON files")
    parser.add_argument("--only", nargs="*", help="names of the models to measure")
    parser.add_argument("--limit", type=int, default=0, help="rows of each split; 0: all")
    parser.add_argument("--noise", type=int, default=0, help="rows to measure noise on; 0: none")
    parser.add_argument("--recall", type=int, default=0, help="rows for recall@10; 0: none")
    parser.add_argument("--runs", type=Path, default=Path("runs/compared"))
    parser.add_argument(
        "--output", type=Path, help="Markdown file; a JSON file is written next to it"
    )
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    models: dict[str, Callable[[], Model]] = {
        "tf-idf": partial(tf_idf, options.data),
        "frozen encoder": partial(frozen_encoder, options.data),
    }
    models |= {
        path.stem: partial(recipe, path, options.runs, options.data) for path in options.recipe
    }
    if options.artefact:
        models["artefact"] = partial(artefact, options.artefact)
    splits = options.splits.split(",")
    evaluation_rows = [rows_of(options.data, name, options.limit) for name in splits]
    results = {}
    for name, make in models.items():
        if options.only and name not in options.only:
            continue
        log.info("%s", name)
        model = make()
        results[name] = measure(model, evaluation_rows)
        if options.noise:
            results[name][0] |= noise(model, rows_of(options.data, splits[0], options.noise))
        if options.recall:
            results[name][0] |= recall(model, rows_of(options.data, splits[0], options.recall))
        print(table({name: results[name]}, splits), flush=True)
    if options.output:
        options.output.write_text(table(results, splits), encoding="utf-8")
        body = {name: dict(zip(splits, rows, strict=True)) for name, rows in results.items()}
        options.output.with_suffix(".json").write_text(json.dumps(body, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
