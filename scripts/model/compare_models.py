"""Measure other ways to tell sentiment beside a model artefact, on the same splits.

    python scripts/model/compare_models.py DATA_FOLDER --splits cellphones,test [--artefact FOLDER]
        [--recipe FILE…] [--only NAME…] [--limit ROWS] [--noise ROWS] [--recall ROWS]
        [--runs FOLDER] [--output FILE]

DATA_FOLDER is what prepare_training_data.py wrote. Each way is trained on its train.parquet:

- tf-idf: words and pairs, logistic regression, all rows;
- frozen encoder: embeddings of the base encoder, logistic regression;
- each recipe: a training of sagemaker_jobs.train, in float32, such as configs/ablations/*.json;
- the artefact, as it is served.

``--noise`` and ``--recall`` measure, on the first split, what noise at a tenth of the words costs,
and how many of the base encoder's ten nearest neighbours the embeddings keep.

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

from sagemaker_jobs.evaluate.metrics import Floats, classification, recall_at
from sagemaker_jobs.evaluate.model import ScoredModel, encode
from sagemaker_jobs.evaluate.robustness.measure import noises
from sagemaker_jobs.evaluate.robustness.perturbations import PERTURBATIONS
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.__main__ import main as train
from sagemaker_jobs.train.base import BUNDLED, base_folder
from sagemaker_jobs.train.model import load_model
from sagemaker_jobs.train.teacher import base_embeddings

log = logging.getLogger("compare")
Answers = tuple[Floats | None, Floats]
"""Embeddings (n, d), of a way that has its own, and logits (n, 3)."""
Model = Callable[[Sequence[str]], Answers]
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
CUT = (256, 64)


def _log(probabilities: np.ndarray) -> Floats:
    return np.log(np.maximum(probabilities, 1e-12)).astype(np.float32)


def tf_idf(data: Path) -> Model:
    """Words and pairs of words, of at least two texts each."""
    rows = reviews.read_labelled(data / "train.parquet")
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=200_000, sublinear_tf=True),
        LogisticRegression(C=4.0, max_iter=200),
    )
    model.fit(rows.texts, rows.labels)
    return lambda texts: (None, _log(model.predict_proba(texts)))


def frozen_encoder(data: Path) -> Model:
    """The base encoder's embeddings as they are."""
    tokenizer = Tokenizer.from_file(str(base_folder(BUNDLED) / "tokenizer.json"))

    def embed(texts: Sequence[str]) -> Floats:
        return base_embeddings(BUNDLED, reviews.tokenise(tokenizer, texts, *CUT))

    rows = reviews.draw_rows(reviews.read_labelled(data / "train.parquet"), FROZEN_ROWS, seed=13)
    model = LogisticRegression(C=10.0, max_iter=1000).fit(embed(rows.texts), rows.labels)
    return lambda texts: (None, _log(model.predict_proba(embed(texts))))


def recipe(path: Path, runs: Path, data: Path) -> Model:
    """A training run, answered by its torch module."""
    folder = runs / path.stem
    if not (folder / "run.json").is_file():
        places = ["--train-dir", str(data), "--output-dir", str(folder)]
        if train(["--recipe", str(path), *places]):
            raise SystemExit(f"the training of {path} failed")
    model = load_model(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    @torch.no_grad()
    def answers(texts: Sequence[str]) -> Answers:
        ids = reviews.tokenise(tokenizer, texts, *CUT)
        embeddings, logits = reviews.map_batches(ids, 16, model)
        return embeddings.numpy(), logits.numpy()

    return answers


def artefact(folder: Path) -> Model:
    """A model as it is served."""
    model = ScoredModel(folder)
    return lambda texts: encode(model.session, model.tokenise(texts)[0])


def rows_of(data: Path, split: str, limit: int) -> reviews.LabelledTexts:
    """A split, or ``limit`` rows of it, evenly spaced."""
    rows = reviews.read_labelled(data / f"{split}.parquet")
    if not limit or limit >= len(rows.texts):
        return rows
    kept = np.linspace(0, len(rows.texts) - 1, limit).astype(int)
    return reviews.LabelledTexts(*([part[row] for row in kept] for part in rows))


def measure(model: Model, splits: Sequence[reviews.LabelledTexts]) -> list[dict[str, object]]:
    """Figures of each split."""
    return [classification(model(rows.texts)[1], np.array(rows.labels)) for rows in splits]


def noise(model: Model, rows: reviews.LabelledTexts) -> dict[str, object]:
    """Macro-F1 lost to a noise, and answers that it turns: means over NOISES."""
    _, found = noises(
        lambda texts: np.exp(model(texts)[1]),  # the order of a row is that of its probabilities
        rows.texts,
        np.array(rows.labels),
        split="first",
        seeds=(0,),
        perturbations={name: PERTURBATIONS[name] for name in NOISES},
    )
    return {
        "noise_macro_f1": float(np.mean([each.macro_f1_drop for each in found.values()])),
        "noise_flips": float(np.mean([each.flip_rate for each in found.values()])),
    }


def recall(model: Model, rows: reviews.LabelledTexts) -> dict[str, object]:
    """Share of the base encoder's ten nearest neighbours that a way's own embeddings find."""
    embeddings, _ = model(rows.texts)
    if embeddings is None:
        return {}
    tokenizer = Tokenizer.from_file(str(base_folder(BUNDLED) / "tokenizer.json"))
    base = base_embeddings(BUNDLED, reviews.tokenise(tokenizer, rows.texts, *CUT))
    return {"recall_at_10": recall_at(10, embeddings, base)}


def table(named: dict[str, list[dict[str, object]]], splits: Sequence[str]) -> str:
    """Markdown: a line for each way and split, and the mean over the splits."""
    told = [key for key in FIGURES if any(key in entry for row in named.values() for entry in row)]
    lines = [
        "| model | evaluation | " + " | ".join(FIGURES[key] for key in told) + " |",
        "|---|---|" + "---:|" * len(told),
    ]
    for name, entries in named.items():
        values = np.array([[entry.get(key, np.nan) for key in told] for entry in entries], float)
        given = [*zip(splits, values, strict=True), ("mean", values.mean(0))]
        for split, row in given if len(splits) > 1 else given[:1]:
            cells = ("" if np.isnan(value) else f"{value:.3f}" for value in row)
            lines.append(f"| {name} | {split} | " + " | ".join(cells) + " |")
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
    parser.add_argument("--limit", type=int, default=0, help="rows of each split; 0: all")
    parser.add_argument("--noise", type=int, default=0, help="rows to measure noise on; 0: none")
    parser.add_argument("--recall", type=int, default=0, help="rows for recall@10; 0: none")
    parser.add_argument("--runs", type=Path, default=Path("runs/compared"))
    parser.add_argument("--output", type=Path, help="Markdown file; JSON is written beside it")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    ways: dict[str, Callable[[], Model]] = {
        "tf-idf": partial(tf_idf, given.data),
        "frozen encoder": partial(frozen_encoder, given.data),
    }
    ways |= {path.stem: partial(recipe, path, given.runs, given.data) for path in given.recipe}
    if given.artefact:
        ways["artefact"] = partial(artefact, given.artefact)
    splits = given.splits.split(",")
    read = [rows_of(given.data, name, given.limit) for name in splits]
    found = {}
    for name, make in ways.items():
        if given.only and name not in given.only:
            continue
        log.info("%s", name)
        model = make()
        found[name] = measure(model, read)
        if given.noise:
            found[name][0] |= noise(model, rows_of(given.data, splits[0], given.noise))
        if given.recall:
            found[name][0] |= recall(model, rows_of(given.data, splits[0], given.recall))
        print(table({name: found[name]}, splits), flush=True)
    if given.output:
        given.output.write_text(table(found, splits), encoding="utf-8")
        body = {name: dict(zip(splits, rows, strict=True)) for name, rows in found.items()}
        given.output.with_suffix(".json").write_text(json.dumps(body, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
