"""The gate passes candidates that are as good, rejects worse ones and gives the reason."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.gate import __main__ as gate
from sagemaker_jobs.gate.config import Rules
from sagemaker_jobs.gate.errors import EvaluationError
from sagemaker_jobs.gate.evaluation import read_evaluation
from sagemaker_jobs.gate.judge import judge
from sagemaker_jobs.gate.statistics import (
    Confidences,
    accuracy_and_f1,
    calibration,
    holm_rejections,
)
from tests.evaluations import Simulation


@pytest.fixture
def simulation():
    return Simulation()


@pytest.fixture
def verdict(simulation, tmp_path):
    """``verdict(current, candidate)`` judges two models by their probabilities."""

    def judge_models(current, candidate, *, noises=(None, None), rules=None, **parts):
        count = len(list(tmp_path.iterdir()))
        before = simulation.evaluation(tmp_path / f"{count}-a", "v1", current, noises[0])
        after = simulation.evaluation(
            tmp_path / f"{count}-b", "v2-new", candidate, noises[1], **parts
        )
        return judge(
            read_evaluation(before), read_evaluation(after), rules or Rules(replicates=500)
        )

    return judge_models


def test_equal_predictions_pass(simulation, verdict):
    predictions = simulation.predictions()
    result = verdict(predictions, predictions)
    assert result.passed
    assert (result.candidate, result.against, result.reasons) == ("v2-new", "v1", [])
    assert {check.gain for check in result.checks} == {0.0}
    assert {check.where for check in result.checks} >= {"test", "phones", "test, source=toys"}


def test_a_better_candidate_passes(simulation, verdict):
    result = verdict(simulation.predictions(0.88), simulation.predictions(0.91, seed=2))
    assert result.passed, result.reasons


def test_a_worse_candidate_is_rejected_with_reasons(simulation, verdict):
    result = verdict(simulation.predictions(0.91), simulation.predictions(0.88, seed=2))
    assert not result.passed
    assert any("accuracy" in reason and "overall test" in reason for reason in result.reasons)
    assert any("macro_f1" in reason for reason in result.reasons)


def test_equally_good_models_with_different_errors_are_rarely_rejected(verdict):
    rejections = 0
    for seed in range(40):
        simulation = Simulation(rows=3000, seed=seed)
        before, after = (
            simulation.predictions(seed=2 * seed),
            simulation.predictions(seed=2 * seed + 1),
        )
        assert (before.argmax(1) != after.argmax(1)).mean() > 0.05, "the models must differ"
        rejections += not _judge_pair(simulation, before, after).passed
    assert rejections <= 4


def _judge_pair(simulation, before, after, folder=None):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = simulation.evaluation(folder / "a", "v1", before)
        second = simulation.evaluation(folder / "b", "v2", after)
        return judge(read_evaluation(first), read_evaluation(second), Rules(replicates=300))


def test_a_bad_slice_is_named_despite_good_averages(simulation, verdict):
    result = verdict(
        simulation.predictions(0.9), simulation.predictions(0.915, seed=2, worse="toys", by=0.08)
    )
    assert not result.passed
    assert all("toys" in reason for reason in result.reasons)
    assert any("source=toys: accuracy" in reason for reason in result.reasons)


def test_a_rare_class_that_is_never_predicted_is_named(simulation, verdict):
    before = simulation.predictions(0.9)
    after = before.copy()
    # neutral reviews become positive: little accuracy is lost, but a sixth of macro-F1
    neutral = simulation.labels == 1
    after[neutral] = [0.05, 0.05, 0.9]
    result = verdict(before, after)
    assert any("sentiment=neutral: accuracy" in reason for reason in result.reasons)
    assert any("macro_f1" in reason for reason in result.reasons)


def test_an_overconfident_candidate_is_rejected(simulation, verdict):
    before = simulation.predictions(0.9)
    labels, confident = before.argmax(1), np.full_like(before, 0.0005)
    confident[np.arange(len(labels)), labels] = 0.999
    result = verdict(before, confident)
    assert {check.measure for check in result.checks if not check.passed} == {"ece"}


def test_a_loss_within_the_tolerance_passes_even_on_many_rows(verdict):
    rows = 60_000
    simulation = Simulation(rows=rows)
    before = simulation.predictions(0.9)
    after = before.copy()
    changed = np.flatnonzero(before.argmax(1) == simulation.labels)[: rows // 1000]
    after[changed] = np.roll(after[changed], 1, axis=1)
    result = _judge_pair(simulation, before, after)
    losses = [c.gain for c in result.checks if c.measure == "accuracy" and c.family == "overall"]
    assert min(losses) < -0.0015
    assert result.passed, result.reasons


def test_the_labels_that_a_model_decided_are_judged(simulation, tmp_path):
    predictions = simulation.predictions()
    before, after = (
        simulation.evaluation(tmp_path / version, version, predictions) for version in ("v1", "v2")
    )
    table = pq.read_table(after / "predictions.parquet")
    decided = pa.array(["neutral"] * table.num_rows)
    pq.write_table(table.append_column("predicted", decided), after / "predictions.parquet")
    result = judge(read_evaluation(before), read_evaluation(after), Rules(replicates=300))
    assert not result.passed
    (check,) = [c for c in result.checks if (c.where, c.measure) == ("test", "accuracy")]
    assert check.candidate == pytest.approx((simulation.labels[:3000] == 1).mean())


@pytest.mark.parametrize("change", ["fewer", "label", "text"])
def test_a_candidate_evaluated_on_other_rows_is_rejected(simulation, verdict, tmp_path, change):
    predictions = simulation.predictions()
    if change == "fewer":
        result = verdict(predictions, predictions, rows=5999)
    else:
        other = Simulation()
        if change == "label":
            other.labels[3] = (other.labels[3] + 1) % 3
        else:
            other.keys[3] = "f" * 64
        before = simulation.evaluation(tmp_path / "x", "v1", predictions)
        result = judge(
            read_evaluation(before),
            read_evaluation(other.evaluation(tmp_path / "y", "v2", predictions)),
            Rules(),
        )
    assert not result.passed
    (reason,) = result.reasons
    assert "different rows or labels: v1 on phones (3,000 rows), test (3,000 rows)" in reason
    others = 0 if change == "fewer" else 1
    assert re.search(rf"has 2,999 of the rows of (test|phones) and {others} others\.", reason)
    assert "--splits phones,test)" in reason


def test_missing_and_additional_splits_are_named(verdict, tmp_path):
    simulation, other = Simulation(), Simulation()
    other.splits = np.where(other.splits == "test", "garden", "phones")
    before = simulation.evaluation(tmp_path / "x", "v1", simulation.predictions())
    after = other.evaluation(tmp_path / "y", "v2", other.predictions())
    (reason,) = judge(read_evaluation(before), read_evaluation(after), Rules()).reasons
    assert "of v2 has garden, which the other lacks; has no test." in reason


def noise(drop, flips=0.05):
    return {"macro_f1_drop": drop, "accuracy_drop": drop / 2, "flip_rate": flips}


def test_a_noise_that_costs_more_than_before_is_a_reason(simulation, verdict):
    predictions = simulation.predictions()
    now = {"typos": noise(0.02), "case": noise(0.01)}
    good = {"typos": noise(0.039), "case": noise(0.0)}
    assert verdict(predictions, predictions, noises=(now, good)).passed
    bad = {"typos": noise(0.0401), "case": noise(0.01, flips=0.08)}
    result = verdict(predictions, predictions, noises=(now, bad))
    assert [reason.split(" 0.")[0] for reason in result.reasons] == [
        "robustness case: flip_rate",
        "robustness typos: macro_f1_drop",
        "robustness typos: accuracy_drop",
    ]
    untested = verdict(predictions, predictions, noises=(now, {"case": noise(0.01)}))
    assert untested.reasons == ["robustness: the candidate was not tested with typos"]


def test_a_kind_of_case_that_fails_more_often_is_a_reason(simulation, tmp_path):
    predictions = simulation.predictions()
    now = {"negation": {"pass_rate": 0.9, "cases": 60}, "contrast": {"pass_rate": 0.7}}
    before = simulation.evaluation(tmp_path / "a", "v1", predictions, behaviour=now)
    then = {"negation": {"pass_rate": 0.8}, "contrast": {"pass_rate": 0.66}}
    after = simulation.evaluation(tmp_path / "b", "v2", predictions, behaviour=then)
    result = judge(read_evaluation(before), read_evaluation(after), Rules())
    assert result.reasons == [
        "robustness negation: pass_rate 0.9000 → 0.8000, worse by more than 0.05"
    ]


def suite(negation_failed_percent, accuracy):
    families = {"negated_negative": {"failed_percent": negation_failed_percent, "cases": 220}}
    return {"families": families, "implicit": {"accuracy": accuracy, "auc": 0.9}}


def test_a_family_of_the_suite_that_fails_more_often_is_a_reason(simulation, tmp_path):
    predictions = simulation.predictions()
    results = {
        name: read_evaluation(
            simulation.evaluation(tmp_path / name, name, predictions, behaviours=figures)
        )
        for name, figures in {
            "now": suite(20.0, 0.8), "worse": suite(26.0, 0.7), "near": suite(24.0, 0.76),
            "untested": None,
        }.items()
    }  # fmt: skip
    reasons = {n: judge(results["now"], results[n], Rules()).reasons for n in results}
    assert reasons["worse"] == [
        "robustness suite:implicit_by_hand: pass_rate 0.8000 → 0.7000, worse by more than 0.05",
        "robustness suite:negated_negative: pass_rate 0.8000 → 0.7400, worse by more than 0.05",
    ]
    assert reasons["near"] == []
    assert reasons["untested"] == [
        f"robustness: the candidate was not tested with suite:{name}"
        for name in ("implicit_by_hand", "negated_negative")
    ]
    assert judge(results["untested"], results["now"], Rules()).reasons == []


def test_a_candidate_with_too_few_rows_is_rejected(verdict, tmp_path):
    simulation = Simulation(rows=120)
    predictions = simulation.predictions()
    result = judge(
        read_evaluation(simulation.evaluation(tmp_path / "p", "v1", predictions)),
        read_evaluation(simulation.evaluation(tmp_path / "q", "v2", predictions)),
        Rules(),
    )
    assert not result.passed
    assert "200 rows" in result.reasons[0]


def test_the_bootstrap_over_counts_equals_one_over_rows():
    random = np.random.default_rng(3)
    simulation = Simulation(rows=800)
    before, after = (
        simulation.predictions(seed=1).argmax(1),
        simulation.predictions(0.88, seed=2).argmax(1),
    )
    result = accuracy_and_f1(simulation.labels, before, after, 4000, random)
    right = (after == simulation.labels).astype(float) - (before == simulation.labels)
    assert result["accuracy"].gain == pytest.approx(right.mean())
    assert result["accuracy"].noise == pytest.approx(right.std() / np.sqrt(len(right)), rel=0.06)
    samples = []
    for _ in range(600):
        rows = random.integers(800, size=800)
        samples.append(_macro_f1(simulation.labels[rows], after[rows]))
        samples[-1] -= _macro_f1(simulation.labels[rows], before[rows])
    assert result["macro_f1"].noise == pytest.approx(np.std(samples), rel=0.12)
    assert result["macro_f1"].candidate == pytest.approx(_macro_f1(simulation.labels, after))


def _macro_f1(labels, predicted):
    scores = []
    for label in range(3):
        hits = ((labels == label) & (predicted == label)).sum()
        scores.append(2 * hits / ((labels == label).sum() + (predicted == label).sum()))
    return np.mean(scores)


def test_the_calibration_error_is_the_mean_gap_between_confidence_and_accuracy():
    # ten rows at 0.9 of which seven are right, ten at 0.6 of which six are
    labels = np.array([0] * 7 + [1] * 3 + [0] * 6 + [1] * 4)
    probabilities = np.array([[0.9, 0.05, 0.05]] * 10 + [[0.6, 0.2, 0.2]] * 10)
    certain = np.array([[1.0, 0.0, 0.0]] * 20)
    correct = labels == 0
    sides = [Confidences(each.max(1), correct) for each in (probabilities, certain)]
    result = calibration(*sides, np.random.default_rng(1))
    assert result.current == pytest.approx(0.1)
    assert result.candidate == pytest.approx(0.35)
    assert result.gain == pytest.approx(-0.25)


def test_the_level_applies_to_all_comparisons_together():
    assert holm_rejections([0.04, 0.5, 0.5, 0.5], 0.05) == [False] * 4
    assert holm_rejections([0.5, 0.001, 0.016, 0.5], 0.05) == [False, True, True, False]
    assert holm_rejections([], 0.05) == []


def test_the_job_writes_the_verdict_and_returns_1_on_rejection(simulation, tmp_path):
    good = simulation.evaluation(tmp_path / "good", "v1", simulation.predictions(0.92))
    bad = simulation.evaluation(tmp_path / "bad", "v2", simulation.predictions(0.85, seed=2))
    output = tmp_path / "out" / "gate.json"
    arguments = ["--output", str(output)]
    assert gate.main(["--candidate-dir", str(bad), "--current-dir", str(good), *arguments]) == 1
    verdict = json.loads(output.read_text())
    assert (verdict["passed"], verdict["candidate"], verdict["against"]) == (False, "v2", "v1")
    table = output.with_suffix(".md").read_text()
    assert "v2 against v1: not passed" in table
    assert "| test | accuracy | 3000 |" in table
    assert gate.main(["--candidate-dir", str(good), "--current-dir", str(bad), *arguments]) == 0
    assert json.loads(output.read_text())["passed"] is True


@pytest.mark.parametrize("damage", ["figures", "predictions", "column", "label"])
def test_a_damaged_evaluation_is_named_in_the_error(simulation, tmp_path, damage):
    folder = simulation.evaluation(tmp_path / "e", "v1", simulation.predictions())
    table = pq.read_table(folder / "predictions.parquet")
    match damage:
        case "figures":
            (folder / "evaluation.json").write_text("{")
        case "predictions":
            (folder / "predictions.parquet").write_bytes(b"PAR1")
        case "column":
            pq.write_table(table.drop_columns("p_neutral"), folder / "predictions.parquet")
        case "label":
            changed = table.set_column(2, "label", pa.array(["mixed"] * table.num_rows))
            pq.write_table(changed, folder / "predictions.parquet")
    words = {"figures": "evaluation.json", "column": "p_neutral", "label": "'mixed'"}
    with pytest.raises(EvaluationError, match=words.get(damage, "predictions.parquet")):
        read_evaluation(folder)
