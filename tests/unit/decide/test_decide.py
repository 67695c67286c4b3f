"""The fit of a model's rules, on rows for which the right answer is known."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.decide.__main__ import main
from sagemaker_jobs.decide.config import DecideConfig
from sagemaker_jobs.decide.fit import FACTORS, confusions, fit
from sagemaker_jobs.decide.groups import BALANCED, Group, read_groups
from sagemaker_jobs.decide.measure import leave_one_out, measure
from sagemaker_jobs.evaluate.metrics import confusion_matrix
from shared.runtime.decisions import choose, decide
from shared.runtime.probabilities import softmax
from shared.schemas.decisions import Kind, Rule
from shared.schemas.manifest import Manifest
from shared.schemas.sentiment import LABELS


def config(**fields):
    return DecideConfig(model_dir=".", predictions="p.parquet", output="o.json", **fields)


def group(
    source="a",
    rows=20_000,
    seed=0,
    spread=3.0,
    temperature=1.0,
    neutral=0.0,
    negative=0.0,
    **fields,
):
    """Rows whose labels are drawn from their probabilities; the model then reports others.

    ``temperature`` multiplies the logits that it reports, ``neutral`` and ``negative`` are added to
    those of their classes.
    """
    random = np.random.default_rng(seed)
    logits = random.normal(0, spread, (rows, 3))
    draws = random.random((rows, 1))
    labels = (softmax(logits).cumsum(1) < draws).sum(1).clip(max=2)
    logits[:, 1] += neutral
    logits[:, 0] += negative
    probabilities = softmax(logits * temperature).astype(np.float32)
    return Group(source, fields.pop("kind", Kind.REVIEW), probabilities, labels, **fields)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_of_the_logits_is_found(temperature):
    groups = [group(seed=seed, temperature=temperature) for seed in range(2)]
    rule = fit(groups, config())
    assert rule.temperature == pytest.approx(temperature, rel=0.03)


def test_labels_that_are_reported_too_often_are_found_in_reviews():
    groups = [group(str(seed), seed=seed, negative=0.8, neutral=-1.0) for seed in range(2)]
    rule = fit(groups, config())
    biases = rule.temperature, rule.negative_bias, rule.neutral_bias
    assert biases == pytest.approx((1, -0.8, 1), abs=0.06)
    for each in groups:
        with_rule, without = measure(each, rule), measure(each, Rule())
        assert with_rule.accuracy > without.accuracy + 0.01
        assert with_rule.ece < without.ece


def test_how_often_sentences_are_negative_says_nothing():
    """A data set of sentences was chosen; its frequencies are not those of other sentences."""
    groups = [group(str(n), seed=n, negative=0.8, kind=Kind.SENTENCE) for n in range(2)]
    rule = fit(groups, config())
    assert (rule.negative_bias, rule.neutral_bias) == (0, 0)


def test_a_model_is_sure_by_sources_that_it_has_not_seen():
    unseen = [group(str(seed), seed=seed, spread=1.5) for seed in range(2)]
    seen = [group(f"seen {seed}", seed=seed, spread=6.0, seen=True) for seed in range(4)]
    alone, together = fit(unseen, config()), fit([*unseen, *seen], config())
    assert together.sure_above == pytest.approx(alone.sure_above, abs=0.02)


def test_a_neutral_that_is_reported_too_rarely_is_found():
    groups = [group(str(n), seed=n, neutral=-1.0, kind=Kind.SENTENCE) for n in range(3)]
    rule = fit(groups, config())
    assert rule.neutral_factor == pytest.approx(np.e, rel=0.25)
    for each in groups:
        with_rule, without = measure(each, rule), measure(each, Rule())
        assert with_rule.macro_f1 > without.macro_f1 + 0.005
        assert with_rule.neutral_recall > without.neutral_recall + 0.05


def test_the_figures_of_a_factor_are_those_of_its_labels():
    rows = group(rows=500, spread=1.0)
    matrices = confusions(rows.probabilities, rows.labels)
    for place in range(0, len(FACTORS), 7):
        chosen = choose(rows.probabilities, float(FACTORS[place]))
        np.testing.assert_array_equal(matrices[place], confusion_matrix(rows.labels, chosen))


def test_neutral_may_cost_only_a_little_accuracy_on_natural_mixes():
    natural = group(spread=1.0, seed=2)
    balanced = group(spread=1.0, seed=3, neutral=-2.0, natural=False)
    free = fit([natural, balanced], config(max_loss=1.0))
    bound = fit([natural, balanced], config(max_loss=0.002))
    assert 1 < bound.neutral_factor < free.neutral_factor
    loss = measure(
        natural, Rule(temperature=bound.temperature, negative_bias=bound.negative_bias)
    ).accuracy
    assert loss - measure(natural, bound).accuracy <= 0.002


@pytest.mark.parametrize("kind", list(Kind))
def test_a_calibrated_model_keeps_its_labels_and_is_sure_where_it_is_right(kind):
    groups = [group(seed=seed, source=str(seed), kind=kind) for seed in range(3)]
    rule = fit(groups, config(max_loss=0.0))
    assert rule.temperature == pytest.approx(1, abs=0.03)
    assert (rule.negative_bias, rule.neutral_bias) == pytest.approx((0, 0), abs=0.05)
    if kind is Kind.SENTENCE:
        assert rule.neutral_factor == pytest.approx(1, abs=0.1)
    for each in groups:
        labels = decide(rule, each.probabilities).labels
        assert (labels == each.probabilities.argmax(1)).mean() > 0.985
        assert measure(each, rule).sure_accuracy == pytest.approx(0.95, abs=0.01)


def test_a_model_that_is_never_right_often_enough_is_never_sure():
    rule = fit([group(spread=0.2), group("b", seed=1, spread=0.2)], config())
    assert rule.sure_above is None
    assert measure(group(spread=0.2), rule).share_sure == 0


def test_sentences_may_have_another_accuracy():
    groups = [group(kind=Kind.SENTENCE), group("b", seed=1, kind=Kind.SENTENCE)]
    strict, lenient = (
        fit(groups, config(sure_sentence_accuracy=accuracy)) for accuracy in (0.95, 0.9)
    )
    assert lenient.sure_above < strict.sure_above
    assert (strict.sure_accuracy, lenient.sure_accuracy) == (0.95, 0.9)
    assert measure(groups[0], lenient).sure_accuracy == pytest.approx(0.9, abs=0.01)


def test_every_source_weighs_the_same():
    """A large source with another temperature counts as one of two."""
    large = group("large", rows=40_000, temperature=2.0)
    small = group("small", rows=2_000, temperature=0.5, seed=1)
    same_size = group("large", rows=2_000, temperature=2.0)
    rules = [fit([each, small], config()) for each in (large, same_size)]
    assert rules[0].temperature == pytest.approx(rules[1].temperature, rel=0.05)


def test_a_source_is_measured_by_the_rule_of_the_others():
    odd = group("odd", temperature=2.0)
    groups = [odd, group("b", seed=1), group("c", seed=2)]
    groups.append(group("odd", seed=4, temperature=2.0, natural=False))
    rows = {row.group: row for row in leave_one_out(groups, config())}
    assert set(rows) == {"odd", f"odd{BALANCED}", "b", "c"}
    for name in ("odd", f"odd{BALANCED}"):
        assert rows[name].rule.temperature == pytest.approx(1, abs=0.03)
        assert rows[name].with_rule.ece > 0.05
    assert rows["b"].rule.temperature > 1.2
    assert leave_one_out([odd], config()) == []


def stored(folder, version="v1", metadata=None, **changes):
    """A model folder, and predictions of two sources of reviews and one of sentences."""
    folder.mkdir(exist_ok=True)
    manifest = Manifest(
        kind="model", version="v1", created_at="2026-01-01T00:00:00Z", files={}, dimension=4
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    parts = []
    splits = {"phones": "review", "shoes": "review", "lines": "sentence", "test": "review"}
    for seed, (split, kind) in enumerate(splits.items()):
        rows = group(rows=400, seed=seed)
        columns = {
            "split": [split] * 400,
            "key": [str(n) for n in range(400)],
            "label": [LABELS[label].value for label in rows.labels],
            "kind": [kind] * 400,
            "stars": [str(1 + n % 5) if kind == "review" else None for n in range(400)],
        }
        columns |= {f"p_{label.value}": rows.probabilities[:, n] for n, label in enumerate(LABELS)}
        parts.append(pa.table(columns | changes))
    table = pa.concat_tables(parts, promote_options="default")
    table = table.replace_schema_metadata({"model_version": version, **(metadata or {})})
    pq.write_table(table, folder / "predictions.parquet")
    return DecideConfig(
        model_dir=folder, predictions=str(folder / "predictions.parquet"), output=folder / "o.json"
    )


def test_groups_are_sources_and_samples_with_equally_many_of_each_star(tmp_path):
    groups = read_groups(stored(tmp_path), "v1")
    assert [(each.name, each.kind.value, len(each.labels)) for each in groups] == [
        ("phones", "review", 400),
        (f"phones{BALANCED}", "review", 400),
        ("shoes", "review", 400),
        (f"shoes{BALANCED}", "review", 400),
        ("lines", "sentence", 400),
    ]


def test_probabilities_that_rules_have_changed_are_restored(tmp_path):
    rules = {"decisions": json.dumps({"review": {"temperature": 2.0}})}
    plain = read_groups(stored(tmp_path), "v1")
    changed = read_groups(stored(tmp_path, metadata=rules), "v1")
    logits = np.log(plain[0].probabilities) * 2
    np.testing.assert_allclose(changed[0].probabilities, softmax(logits), atol=1e-4)
    np.testing.assert_array_equal(changed[-1].probabilities, plain[-1].probabilities)


def test_the_job_writes_the_rules_into_the_manifest_and_a_table(tmp_path):
    chosen = stored(tmp_path)
    arguments = ["--model-dir", str(tmp_path), "--predictions", chosen.predictions]
    arguments += ["--output", str(tmp_path / "decisions.json")]
    for _ in range(2):  # a second run gives the same
        assert main(arguments) == 0
        manifest = Manifest.model_validate_json((tmp_path / "manifest.json").read_bytes())
        result = json.loads((tmp_path / "decisions.json").read_text())
        assert manifest.decisions.model_dump(mode="json") == result["decisions"]
    assert manifest.decisions.review.temperature == pytest.approx(1, abs=0.3)
    assert [row["group"] for row in result["left_out"]] == [
        *("phones", f"phones{BALANCED}", "shoes", f"shoes{BALANCED}"),
    ]
    table = (tmp_path / "decisions.md").read_text()
    assert "| phones | 400 |" in table
    assert "**mean**" in table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "v2"}, "is of v2, model_dir has v1"),
        ({"label": ["glad"] * 400}, "column label: 'glad' is not one of"),
        ({"split": ["train"] * 400}, "no source has 50 rows"),
    ],
    ids=["another model", "unknown label", "training data"],
)
def test_predictions_that_cannot_be_used_are_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        read_groups(stored(tmp_path, **change), "v1")
