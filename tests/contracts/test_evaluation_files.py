"""The gate reads what sagemaker_jobs.evaluate writes; neither needs torch."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from sagemaker_jobs.evaluate.__main__ import main as evaluate
from sagemaker_jobs.gate.config import Rules
from sagemaker_jobs.gate.evaluation import read_evaluation
from sagemaker_jobs.gate.judge import judge
from tests.models import model_folder

TEXTS = {
    "positive": ["A lovely kettle, quick and quiet.", "Best tent we ever had.", "Love this lamp!"],
    "neutral": ["It is okay, nothing more.", "Average bag for the price.", "Three stars, so-so."],
    "negative": ["The handle broke off.", "A waste of money.", "It leaks and smells, avoid."],
}


def test_the_gate_reads_an_evaluation_of_the_shipped_model(tmp_path):
    rows = [(text, label) for label, texts in TEXTS.items() for text in texts]
    texts, labels = zip(*rows, strict=True)
    table = {"text": texts, "sentiment": labels, "source": ["one", "two", "two"] * 3}
    pq.write_table(pa.table(table), tmp_path / "made.parquet")
    output = tmp_path / "evaluation" / "evaluation.json"
    arguments = [
        "--model-dir",
        str(model_folder()),
        "--data-dir",
        str(tmp_path),
        "--splits",
        "made",
    ]
    arguments += ["--output", str(output), "--recall-rows", "0", "--latency-runs", "0"]
    arguments += ["--robustness", "true", "--robustness-seeds", "1", "--robustness-rows", "3"]
    assert evaluate(arguments) == 0
    evaluation = read_evaluation(output.parent)
    assert (
        evaluation.figures.version
        == json.loads((model_folder() / "manifest.json").read_text())["version"]
    )
    assert evaluation.splits.tolist() == ["made"] * len(rows)
    assert set(evaluation.slices["source"]) == {"one", "two"}
    assert evaluation.predicted.tolist() == evaluation.probabilities.argmax(1).tolist()
    assert "typos@0.1" in evaluation.figures.robustness
    assert "negation" in evaluation.figures.behaviour
    again = judge(evaluation, evaluation, Rules())
    assert again.rows == len(rows)
    assert all(check.gain == 0 for check in again.checks)
