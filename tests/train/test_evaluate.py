"""Evaluation: figures that agree with a reference, and valid files."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from sklearn import metrics as reference

from sagemaker_jobs.evaluate import calibration
from sagemaker_jobs.evaluate.__main__ import main
from sagemaker_jobs.evaluate.config import EvaluateConfig
from sagemaker_jobs.evaluate.intervals import bootstrap
from sagemaker_jobs.evaluate.metrics import (
    classification,
    confusion_matrix,
    roc_auc,
    softmax,
)
from sagemaker_jobs.evaluate.model import ScoredModel
from sagemaker_jobs.evaluate.predictions import row_key
from sagemaker_jobs.evaluate.report import Evaluation
from sagemaker_jobs.evaluate.rows import read_rows
from sagemaker_jobs.evaluate.slices import by_slice, length_bands, worst_group
from sagemaker_jobs.export.__main__ import main as export
from shared.runtime.decisions import decide
from shared.schemas.decisions import Rule


def random_logits(rows, seed=0, bonus=1.5):
    """Random labels, and logits that are usually correct."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, rows, p=[0.2, 0.1, 0.7])
    logits = generator.normal(size=(rows, 3))
    logits[np.arange(rows), labels] += bonus
    return labels, logits.astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_those_of_scikit_learn(seed):
    labels, logits = random_logits(200, seed)
    logits = logits.round(1)  # ties
    figures = classification(logits, labels)
    predicted = logits.argmax(-1)
    for average in ("macro", "weighted"):
        expected = reference.f1_score(labels, predicted, average=average)
        assert figures[f"{average}_f1"] == pytest.approx(expected)
    expected = reference.roc_auc_score(labels, softmax(logits), multi_class="ovr")
    assert figures["roc_auc"] == pytest.approx(expected, abs=1e-6)
    assert figures["confusion"] == reference.confusion_matrix(labels, predicted).tolist()


def test_a_class_that_is_neither_labelled_nor_predicted_does_not_lower_the_macro_f1():
    logits = np.array([[2, 0, 1], [1, 0, 2], [2, 0, 1]], np.float32)
    figures = classification(logits, np.array([0, 2, 2]))
    assert figures["macro_f1"] == pytest.approx(2 / 3)
    assert "roc_auc" not in figures


def test_a_weighted_auc_equals_that_of_repeated_rows():
    labels, logits = random_logits(60)
    probabilities = softmax(logits)
    counts = np.random.default_rng(1).integers(0, 3, (4, 60)).astype(float)
    for row, auc in zip(counts, roc_auc(probabilities, labels, counts), strict=True):
        repeated = np.repeat(np.arange(60), row.astype(int))
        assert auc == pytest.approx(roc_auc(probabilities[repeated], labels[repeated])[0])


def test_intervals_contain_the_figure_repeat_with_the_seed_and_shrink_with_rows():
    widths = []
    for rows in (200, 5000):
        labels, logits = random_logits(rows)
        confusion = confusion_matrix(labels, logits.argmax(-1))
        intervals = bootstrap(confusion, softmax(logits), labels, 300, seed=1)
        assert set(intervals) == {"accuracy", "macro_f1", "weighted_f1", "roc_auc"}
        assert intervals == bootstrap(confusion, softmax(logits), labels, 300, seed=1)
        figures = classification(logits, labels)
        for name, (low, high) in intervals.items():
            assert low < figures[name] < high
        widths.append(intervals["accuracy"][1] - intervals["accuracy"][0])
    error = np.sqrt(figures["accuracy"] * (1 - figures["accuracy"]) / 5000)
    assert widths[1] == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert widths[1] < widths[0] / 3


def test_the_reliability_diagram_adds_up_to_the_calibration_error():
    labels, logits = random_logits(500)
    bins = calibration.reliability(decide(Rule(), softmax(logits)), labels)
    assert sum(each.rows for each in bins) == 500
    gap = sum(abs(each.confidence - each.accuracy) * each.rows for each in bins) / 500
    assert gap == pytest.approx(classification(logits, labels)["ece"], abs=1e-6)


def test_the_abstain_threshold_has_the_greatest_coverage_at_the_required_accuracy():
    confidence = np.array([0.95, 0.9, 0.8, 0.8, 0.7, 0.6], np.float32)
    probabilities = np.stack([confidence, 1 - confidence, 0 * confidence], axis=1)
    labels = np.array([0, 0, 0, 1, 0, 1])
    decided = decide(Rule(), probabilities)
    point = calibration.abstain_threshold(decided, labels, 0.8)
    assert point.threshold == pytest.approx(0.7), "four of the five answered rows are correct"
    assert point.coverage == pytest.approx(5 / 6)
    assert point.accuracy == pytest.approx(0.8)
    assert calibration.at_threshold(decided, labels, point.threshold) == point
    strict = calibration.abstain_threshold(decided, labels, 1.0)
    assert strict.coverage == pytest.approx(2 / 6), (
        "rows with equal confidence are answered together"
    )
    assert calibration.abstain_threshold(decided, labels[::-1], 1.0) is None
    assert calibration.at_threshold(decided, labels, 0.99).accuracy is None


def test_the_coverage_curve_ends_at_full_coverage_and_the_overall_accuracy():
    labels, logits = random_logits(2000)
    curve = calibration.coverage_curve(decide(Rule(), softmax(logits)), labels)
    assert len(curve) <= 101
    assert curve[-1].coverage == 1
    assert curve[-1].accuracy == pytest.approx(classification(logits, labels)["accuracy"])
    assert curve[10].accuracy > curve[-1].accuracy


def test_slices_are_parts_of_the_rows_and_a_single_part_is_skipped():
    labels, logits = random_logits(100)
    stars = np.array(["5"] * 60 + ["1"] * 30 + [""] * 10)
    slices = by_slice(
        decide(Rule(), softmax(logits)), labels, {"stars": stars, "source": np.array(["x"] * 100)}
    )
    assert list(slices) == ["stars"]
    assert [(name, part.rows) for name, part in slices["stars"].items()] == [("1", 30), ("5", 60)]
    expected = (logits[:60].argmax(-1) == labels[:60]).mean()
    assert slices["stars"]["5"].accuracy == pytest.approx(expected)


def test_length_bands_include_their_upper_end():
    bands = length_bands(np.array([2, 16, 17, 256, 257]))
    assert bands.tolist() == ["1-16", "1-16", "17-64", "129-256", "over 256"]


def test_the_worst_group_is_chosen_among_groups_with_enough_rows():
    groups = np.array(["a"] * 4 + ["b"] * 4 + ["c"] + [""] * 5)
    correct = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    worst = worst_group(correct, groups, 4)
    assert (worst.groups, worst.rows, worst.worst) == (2, 8, 0.25)
    assert worst.mean == pytest.approx(0.625)
    assert worst.p10 == pytest.approx(0.325)
    assert worst_group(correct, groups, 6) is None


@pytest.fixture(scope="module")
def artefact(run_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefact")
    assert export(["--run-dir", str(run_dir), "--output-dir", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def wide_data(data, tmp_path_factory):
    """A split with every optional column, one without any, and validation."""
    folder = tmp_path_factory.mktemp("wide")
    table = pq.read_table(data / "test.parquet")
    rows = table.num_rows
    columns = {
        "source": ["one", "two"] * (rows // 2),
        "category": ["kitchen"] * 20 + ["garden"] * (rows - 20),
        "rating": [{"negative": 1.0, "neutral": 3.0, "positive": 5.0}[x.as_py()]
                   for x in table["sentiment"]],
        "product_id": [f"p{i % 4}" for i in range(rows)],
        "reviewer_key": [None] * 30 + ["r"] * (rows - 30),
    }  # fmt: skip
    full = table.drop_columns(["source"])
    for name, values in columns.items():
        full = full.append_column(name, pa.array(values))
    pq.write_table(full, folder / "full.parquet")
    pq.write_table(table.select(["text", "sentiment"]), folder / "bare.parquet")
    pq.write_table(pq.read_table(data / "validation.parquet"), folder / "validation.parquet")
    return folder


@pytest.fixture(scope="module")
def folder(artefact, wide_data, tmp_path_factory):
    """The output of an evaluation with every option."""
    output = tmp_path_factory.mktemp("evaluation")
    arguments = ["--model-dir", artefact, "--data-dir", wide_data, "--splits", "full,bare"]
    arguments += ["--output", output / "evaluation.json", "--recall-rows", "0", "--report", "true"]
    arguments += ["--record", "true", "--latency-runs", "5", "--threads", "1"]
    arguments += ["--robustness", "true", "--robustness-rows", "10", "--robustness-seeds", "2"]
    arguments += ["--behaviours", "true"]
    assert main([str(argument) for argument in arguments]) == 0
    return output


@pytest.fixture(scope="module")
def evaluation(folder):
    return Evaluation.model_validate_json((folder / "evaluation.json").read_bytes())


def test_an_evaluation_has_every_figure(evaluation, artefact):
    full = evaluation.splits["full"]
    assert full.accuracy > 0.9
    assert set(full.slices) == {"source", "category", "stars"}, "all texts are in one length band"
    assert list(full.slices["stars"]) == ["1", "3", "5"]
    assert full.worst_groups["product_id"].groups == 4
    assert full.worst_groups["reviewer_key"].rows == 30
    assert set(full.intervals) == {"accuracy", "macro_f1", "weighted_f1", "roc_auc"}
    assert evaluation.bytes["model.onnx"] == (artefact / "model.onnx").stat().st_size
    assert {(x.tokens, x.threads) for x in evaluation.latency} >= {(16, 1), (64, 1), (128, 1)}
    assert all(0 < x.p50_ms <= x.p99_ms for x in evaluation.latency)
    assert evaluation.abstain.target_accuracy == 0.95
    assert evaluation.abstain.accuracy >= 0.95
    assert full.answered.threshold == evaluation.abstain.threshold


def test_slices_of_missing_columns_are_skipped(evaluation):
    bare = evaluation.splits["bare"]
    assert not {"source", "category", "stars"} & set(bare.slices)
    assert bare.worst_groups == {}
    assert bare.accuracy == evaluation.splits["full"].accuracy


def test_an_evaluation_includes_robustness(evaluation):
    assert evaluation.robustness_setup.rows == 10
    assert evaluation.robustness_setup.split == "full"
    assert evaluation.robustness["typos@0.1"].strength == 0.1
    assert len(evaluation.robustness["typos@0.1"].seeds) == 2
    assert {"negation", "contrast"} < set(evaluation.behaviour)


def test_an_evaluation_includes_the_behavioural_suite(evaluation):
    suite = evaluation.behaviours
    assert suite.total.cases == sum(family.cases for family in suite.families.values())
    assert suite.total.failed == sum(family.failed for family in suite.families.values())
    assert {"negated_negative", "implicit", "identity"} < set(suite.families)
    assert 0 <= suite.implicit.auc <= 1


def test_predictions_can_be_compared_row_by_row(folder, evaluation, wide_data):
    table = pq.read_table(folder / "predictions.parquet")
    assert table.schema.metadata[b"model_version"].decode() == evaluation.version
    rows = table.filter(pa.compute.equal(table["split"], "full")).to_pydict()
    texts = pq.read_table(wide_data / "full.parquet")["text"].to_pylist()
    assert rows["key"] == [row_key(text) for text in texts]
    probabilities = np.stack([rows[f"p_{name}"] for name in ("negative", "neutral", "positive")], 1)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    labels = np.array([("negative", "neutral", "positive").index(x) for x in rows["label"]])
    assert (probabilities.argmax(1) == labels).mean() == pytest.approx(
        evaluation.splits["full"].accuracy
    )
    assert set(rows["source"]) == {"one", "two"}
    bare = table.filter(pa.compute.equal(table["split"], "bare"))
    assert bare["source"].null_count == len(texts)


def test_the_manifest_gets_a_summary_and_the_threshold(artefact, folder, evaluation):
    manifest = json.loads((artefact / "manifest.json").read_text())
    assert manifest["metrics"]["full"]["accuracy"] == evaluation.splits["full"].accuracy
    assert set(manifest["metrics"]["full"]["by_source"]) == {"one", "two"}
    assert "reliability" not in manifest["metrics"]["full"]
    assert manifest["parameters"]["abstain"]["threshold"] == evaluation.abstain.threshold
    assert ScoredModel(artefact).manifest.version == evaluation.version


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.images = [], 0

    def handle_starttag(self, tag, attrs):
        self.images += tag == "img"
        self.links += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_embeds_its_plots_and_links_to_no_other_file(folder, evaluation):
    page = (folder / "evaluation.html").read_text()
    reader = Links()
    reader.feed(page)
    assert reader.images >= 3 * len(evaluation.splits) + 3
    assert all(link.startswith("data:image/svg+xml;base64,") for link in reader.links)
    assert evaluation.version in page


def test_the_tables_of_the_markdown_are_well_formed(folder, evaluation):
    page = (folder / "evaluation.md").read_text()
    assert f"{evaluation.splits['full'].accuracy:.3f}" in page
    for table in re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE):
        lines = table.replace("\\|", "").splitlines()
        assert len({line.count("|") for line in lines}) == 1, table
        assert len(lines) > 2
    for kind in (*evaluation.behaviour, *evaluation.behaviours.families):
        assert kind in page


def test_a_prediction_depends_on_its_own_text_alone(artefact):
    model = ScoredModel(artefact)
    texts = ["the kettle was lovely", "the tent was awful and late and broken and flimsy today"]
    together, alone = model.predict(texts), model.predict(texts[:1])
    np.testing.assert_array_equal(together[:1], alone)
    assert model.predict([]).shape == (0, 3)


def test_a_limit_takes_evenly_spaced_rows(wide_data):
    every, few = read_rows(wide_data / "full.parquet"), read_rows(wide_data / "full.parquet", 6)
    assert few.texts == every.texts[::10]
    assert few.columns["category"].tolist() == ["kitchen"] * 2 + ["garden"] * 4


def test_errors_name_the_invalid_input(tmp_path, artefact, wide_data):
    with pytest.raises(FileNotFoundError, match=r"not-there\.parquet"):
        read_rows(tmp_path / "not-there.parquet")
    path = tmp_path / "x.parquet"
    for columns, message in (
        ({"text": ["a"]}, "no column sentiment"),
        ({"text": ["a"], "sentiment": ["glad"]}, "column sentiment: 'glad'"),
        ({"text": pa.array([], pa.string()), "sentiment": pa.array([], pa.string())}, "no rows"),
    ):
        pq.write_table(pa.table(columns), path)
        with pytest.raises(ValueError, match=message):
            read_rows(path)
    with pytest.raises(FileNotFoundError, match=r"has no manifest\.json"):
        ScoredModel(tmp_path)
    fields = {"model_dir": artefact, "data_dir": wide_data, "output": path}
    for name, value in (
        ("splits", "a,,b"), ("abstain_accuracy", 1.5), ("robustness_strengths", "0.1,2"),
        ("limit", -1), ("robustness_split", "elsewhere"),
    ):  # fmt: skip
        with pytest.raises(ValidationError, match=name):
            EvaluateConfig(**fields, **{name: value})
