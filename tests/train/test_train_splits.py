"""Splits: no shared text or product, balanced sentiments, sources left out completely."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.train.__main__ import main

SCRIPT = Path(__file__).parents[2] / "scripts/model/prepare_training_data.py"


@pytest.fixture
def script(monkeypatch):
    """The script with two sources that share texts, and one only for evaluation."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("prepare_training_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def shop(_):
        """400 products with one to nine reviews each; one more has 300, most of them negative."""
        for product in range(400):
            for n in range(product % 9 + 1):
                label = ("positive", "positive", "negative", "neutral")[(product + n) % 4]
                text = f"kettle {product} of kind {n} is {label}"
                yield module.Row(text, None, label, "shop", f"p{product}", "kettles", "a" * 16)
        for n in range(300):
            label = "neutral" if n % 30 == 0 else "negative"
            yield module.Row(f"lamp number {n}", None, label, "shop", "lamp", "lamps", None)

    def market(_):
        for n in range(200):
            label = ("positive", "negative")[n % 2]
            yield module.Row(f"Kettle {n} of kind 0 is {label}!", None, label, "market", None)
            yield module.Row(f"tent {n}", None, label, "market", None)
            yield module.Row(f"Tent {n}.", None, label, "market", None)

    def phones(_):
        yield module.Row("Tent 7!", 5.0, "positive", "phones", "x")

    monkeypatch.setattr(module, "TRAINED", (shop, market))
    monkeypatch.setattr(module, "HELD_OUT", (phones,))
    return module


def write_splits(script, folder, *options):
    assert script.main([str(folder), str(folder), *options]) == 0
    return {path.stem: pq.read_table(path).to_pylist() for path in folder.glob("*.parquet")}


def texts_of(script, rows):
    return {script.text_key(row["text"]) for row in rows}


@pytest.mark.parametrize("options", [(), ("--stratified",), ("--leave-out", "market")])
def test_no_text_or_product_is_in_two_splits(script, tmp_path, options):
    splits = write_splits(script, tmp_path, *options)
    texts_seen: Counter[str] = Counter()
    products: Counter[str] = Counter()
    for rows in splits.values():
        assert rows
        texts = texts_of(script, rows)
        assert len(texts) == len(rows)
        texts_seen.update(texts)
        products.update({row["product_id"] for row in rows if row["product_id"]})
    assert max(texts_seen.values()) == 1 or "market" in splits
    assert max(products.values()) == 1


def test_stratified_splits_have_the_overall_share_of_each_sentiment(script, tmp_path):
    splits = write_splits(script, tmp_path, "--stratified")
    rows = [row for name in ("train", "validation", "test") for row in splits[name]]
    for source in ("shop", "market"):
        overall = Counter(row["sentiment"] for row in rows if row["source"] == source)
        for name, share in script.SPLITS.items():
            counts = Counter(row["sentiment"] for row in splits[name] if row["source"] == source)
            assert counts.total() == pytest.approx(share * overall.total(), rel=0.15)
            for label, count in overall.items():
                expected = count / overall.total()
                assert counts[label] / counts.total() == pytest.approx(expected, abs=0.04)


def test_a_source_that_is_left_out_is_complete_and_not_in_other_splits(script, tmp_path):
    splits = write_splits(script, tmp_path, "--leave-out", "market")
    assert len(splits["market"]) == 400
    assert {row["source"] for row in splits["market"]} == {"market"}
    left_out = texts_of(script, splits["market"])
    for name in ("train", "validation", "test"):
        assert not left_out & texts_of(script, splits[name])
        assert {row["source"] for row in splits[name]} == {"shop"}


def test_an_unknown_source_is_rejected_by_name(script, tmp_path, capsys):
    with pytest.raises(SystemExit):
        script.main([str(tmp_path), str(tmp_path), "--leave-out", "bazaar"])
    assert "no source bazaar; there are market, shop" in capsys.readouterr().err


def test_splits_are_reproducible_and_recorded_by_hash(script, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_splits(script, tmp_path / name, "--stratified")
    first, second = (
        json.loads((tmp_path / name / "splits.json").read_text()) for name in ("first", "second")
    )
    assert first == second
    assert {len(split["text_sha256"]) for split in first.values()} == {64}
    assert all(
        sum(split["shares"].values()) == pytest.approx(1, abs=1e-3) for split in first.values()
    )


def test_splits_contain_category_and_reviewer_for_slices(script, tmp_path):
    rows = write_splits(script, tmp_path)["train"]
    assert {row["category"] for row in rows if row["source"] == "shop"} == {"kettles", "lamps"}
    assert {row["reviewer_key"] for row in rows if row["category"] == "kettles"} == {"a" * 16}
    from sources import reviewer_key

    ann = reviewer_key("shop", "Ann")
    assert reviewer_key("shop", " Ann ") == ann != reviewer_key("market", "Ann")
    assert reviewer_key("shop", None) is None


def test_training_data_without_a_sentiment_is_rejected(options, data, tmp_path):
    table = pq.read_table(data / "train.parquet")
    two = table.filter(pc.not_equal(table["sentiment"], "neutral"))
    pq.write_table(two, tmp_path / "train.parquet")
    (tmp_path / "validation.parquet").write_bytes((data / "validation.parquet").read_bytes())
    arguments = [*options, "--train-dir", str(tmp_path), "--output-dir", str(tmp_path / "run")]
    with pytest.raises(ValueError, match="no row with sentiment neutral"):
        main(arguments)
