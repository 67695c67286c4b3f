"""Training: output of a run, reproducibility, and parts of the model."""

import json
from itertools import pairwise

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from tokenizers import Tokenizer

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.calibrate import Calibration, fit_calibration, fold_into_head
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.model import base_folder, load_model, new_model
from sagemaker_jobs.train.project import fit_projection
from sagemaker_jobs.train.sampling import training_ids
from sagemaker_jobs.train.wide import BEGINNING_TOKENS, PAIR_BUCKETS, NgramTable, WideLogits


def step_lines(run):
    lines = (run / "logs/train_metrics.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == "step"]


def test_a_run_learns_and_writes_its_record(run_dir):
    lines = step_lines(run_dir)
    assert lines[-1]["sentiment"] < lines[0]["sentiment"]
    record = json.loads((run_dir / "run.json").read_text())
    assert record["validation_accuracy"] > 0.9
    assert record["train_rows"] == 240
    assert len(record["train_text_sha256"]) == 64


def test_the_same_seed_gives_the_same_weights(run_dir, options, tmp_path):
    assert main([*options, "--output-dir", str(tmp_path)]) == 0
    first, second = (load_file(x / "model.safetensors") for x in (run_dir, tmp_path))
    assert all(first[name].equal(second[name]) for name in first)


def test_an_unknown_field_is_rejected(tmp_path):
    with pytest.raises(ValidationError, match="extra"):
        TrainConfig(train_dir=tmp_path, output_dir=tmp_path, learning_rat=1.0)
    with pytest.raises(SystemExit):
        main(["--learning-rat", "1"])


def test_the_error_for_an_unknown_model_names_the_required_files():
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        base_folder(f"bert-base-uncased-not-here@{'0' * 40}")


def test_sagemaker_folders_are_defaults(monkeypatch, data, base, tmp_path):
    monkeypatch.setenv("SM_CHANNEL_TRAIN", str(data))
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path / "model"))
    counts = '{"negative": 4, "neutral": 4, "positive": 4}'
    assert main(["--model-name", str(base), "--epochs", "1", "--class-counts", counts]) == 0
    assert (tmp_path / "model/model.safetensors").is_file()


def test_rows_are_drawn_evenly_from_sources():
    texts = [str(i) for i in range(100)]
    sources = ["big"] * 90 + ["small"] * 10
    drawn = reviews.draw_rows(
        reviews.LabelledTexts(texts, [0] * 100, sources), {"negative": 20}, seed=1
    )
    assert sorted(drawn.sources) == ["big"] * 10 + ["small"] * 10
    assert len(set(drawn.texts)) == 20


def test_batches_contain_every_row_once():
    ids = [[1] * (i % 7 + 1) for i in range(50)]
    rows = [row for batch in reviews.batches(ids, 8, None) for row in batch]
    assert sorted(rows) == list(range(50))


def test_results_of_sorted_batches_are_in_the_order_of_the_texts():
    ids = [[row + 1] * (row * 5 % 7 + 1) for row in range(30)]
    first, length = reviews.map_batches(ids, 4, lambda ids, mask: (ids[:, 0], mask.sum(1)))
    assert first.tolist() == [row + 1 for row in range(30)]
    assert length.tolist() == [len(row) for row in ids]


def test_a_long_text_keeps_its_beginning_and_end(base):
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    words = ["good", "bad", "fine"]
    text = " ".join(words[n % 3] for n in range(60))
    (whole,) = reviews.tokenise(tokenizer, [text], 1000)
    assert reviews.tokenise(tokenizer, [text], len(whole)) == [whole]
    assert reviews.tokenise(tokenizer, [text], 20, 8) == [[*whole[:12], *whole[-8:]]]
    cut = reviews.tokenise(tokenizer, [text], 20)
    tokenizer.enable_truncation(20)
    assert cut == [tokenizer.encode(text).ids]


def test_frozen_layers_do_not_change(options, base, tmp_path):
    assert main([*options, "--frozen-layers", "1", "--output-dir", str(tmp_path)]) == 0
    trained, before = load_model(tmp_path).state_dict(), new_model(base).state_dict()
    same = {name for name in trained if trained[name].equal(before[name])}
    lower = ("encoder.embeddings.", "encoder.encoder.layer.0.")
    assert {name for name in trained if name.startswith(lower)} <= same
    assert not any(name.startswith("encoder.encoder.layer.1.") for name in same)


def test_the_closed_form_projection_undoes_a_linear_change():
    torch.manual_seed(3)
    target = torch.nn.functional.normalize(torch.randn(400, 16), dim=-1)
    mixing = torch.randn(16, 16)
    projection = fit_projection(target @ mixing, target)
    aligned = torch.nn.functional.normalize(target @ mixing @ projection.T, dim=-1)
    assert (aligned * target).sum(-1).mean() > 0.95


def test_a_run_can_start_from_an_earlier_one_and_records_it(run_dir, options, tmp_path):
    arguments = [*options, "--start-from", str(run_dir), "--epochs", "1"]
    assert main([*arguments, "--output-dir", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["started_from"]["train_rows"] == 240
    assert step_lines(tmp_path)[0]["sentiment"] < step_lines(run_dir)[0]["sentiment"]


def expected_logits(table, text):
    """The definition of a table's logits for one text without padding."""
    rows = [table.single[token] for token in text]
    rows += [table.pair[(a * 7919 + b) % PAIR_BUCKETS] for a, b in pairwise(text)]
    total = torch.stack(rows).sum(0)
    return total[:3] / total[3].clamp(min=1e-6).sqrt()


def test_the_wide_part_is_its_linear_model_regardless_of_padding():
    torch.manual_seed(1)
    wide = WideLogits(50)
    for table in (wide.whole, wide.beginning):
        table.single.copy_(torch.rand(50, 4))
        table.pair.copy_(torch.rand(PAIR_BUCKETS, 4))
    texts = [[2, 7, 7, 3], [2, 3], [9], [2, *range(11, 40), 3]]
    logits = wide(*reviews.pad(texts))
    whole = torch.stack([expected_logits(wide.whole, text) for text in texts])
    first = torch.stack(
        [expected_logits(wide.beginning, text[:BEGINNING_TOKENS]) for text in texts]
    )
    torch.testing.assert_close(logits, whole + first)


def test_the_wide_part_learns_pairs_whose_tokens_are_uninformative():
    good, bad, fair = [5, 6, 7, 8], [6, 5, 8, 7], [7, 5, 6, 8]
    wide = WideLogits(20)
    assert not wide(*reviews.pad([good])).any()
    wide.fit([good, bad, fair] * 20, [2, 0, 1] * 20, seed=1)
    assert wide(*reviews.pad([good, bad, fair])).argmax(-1).tolist() == [2, 0, 1]


def test_the_wide_part_distinguishes_the_beginning_from_the_rest():
    filler = [9] * BEGINNING_TOKENS
    early, late = [5, *filler, 6], [6, *filler, 5]
    wide = WideLogits(20)
    wide.fit([early, late, filler] * 20, [2, 0, 1] * 20, seed=1)
    assert wide(*reviews.pad([early, late, filler])).argmax(-1).tolist() == [2, 0, 1]


def test_the_features_reproduce_the_logits_of_the_tables():
    torch.manual_seed(2)
    texts = [torch.randint(1, 20, (n % 9 + 1,)).tolist() for n in range(60)]
    table = NgramTable(20)
    features, idf = table.features(texts)
    weights = torch.randn(3, features.shape[1], dtype=torch.float64).numpy()
    table.fill(weights, idf)
    expected = torch.from_numpy(features @ weights.T).float()
    torch.testing.assert_close(table(*reviews.pad(texts)), expected, atol=1e-4, rtol=1e-4)


def test_calibration_is_folded_into_both_parts_of_the_head(run_dir):
    model = load_model(run_dir)
    inputs = reviews.pad([[2, 30, 40, 3], [2, 50, 60, 70, 3]])
    with torch.no_grad():
        _, deep = model.deep(*inputs)
        wide = model.wide(*inputs)
        calibration = Calibration(0.7, 0.4, torch.tensor([0.1, -0.3, 0.2]))
        fold_into_head(model, calibration)
        torch.testing.assert_close(model(*inputs)[1], calibration.apply(deep, wide))


def test_calibration_recovers_the_parameters_of_sampled_labels():
    torch.manual_seed(4)
    deep, wide = torch.randn(2, 40_000, 3).unbind()
    truth = Calibration(1.5, 0.5, torch.tensor([0.4, -0.8, 0.4]))
    labels = torch.distributions.Categorical(logits=truth.apply(deep, wide)).sample()
    fitted = fit_calibration(deep, wide, labels)
    assert fitted.deep == pytest.approx(truth.deep, abs=0.05)
    assert fitted.wide == pytest.approx(truth.wide, abs=0.05)
    torch.testing.assert_close(fitted.bias, truth.bias, atol=0.05, rtol=0)


def test_zero_epochs_calibrate_again_and_keep_the_encoder(run_dir, options, tmp_path):
    arguments = [*options, "--start-from", str(run_dir), "--epochs", "0"]
    assert main([*arguments, "--output-dir", str(tmp_path)]) == 0
    first, second = (load_file(x / "model.safetensors") for x in (run_dir, tmp_path))
    encoder = [name for name in first if name.startswith("encoder.")]
    assert all(first[name].equal(second[name]) for name in encoder)
    assert json.loads((tmp_path / "run.json").read_text())["validation_accuracy"] > 0.9


def test_without_a_wide_part_its_logits_are_zero(options, tmp_path):
    assert main([*options, "--wide", "false", "--output-dir", str(tmp_path)]) == 0
    model = load_model(tmp_path)
    assert not model.wide(*reviews.pad([[2, 30, 40, 3]])).any()
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["wide_rows"], record["wide_text_sha256"]) == (0, None)
    assert record["validation_accuracy"] > 0.9


@pytest.mark.parametrize(("share", "whole"), [(0.0, 0), (0.2, 2), (0.7, 7), (1.0, 10)])
def test_a_share_of_the_texts_is_truncated_as_in_serving(base, tmp_path, share, whole):
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    config = TrainConfig(
        train_dir=tmp_path, output_dir=tmp_path, max_tokens=20, tail_tokens=8, whole_share=share
    )
    ids = training_ids(tokenizer, ["good bad fine " * 30] * 10, config)
    assert sum(len(text) > 20 for text in ids) == whole


def test_invalid_token_limits_and_frozen_layers_are_rejected(base, tmp_path):
    with pytest.raises(ValidationError, match="tail_tokens"):
        TrainConfig(train_dir=tmp_path, output_dir=tmp_path, max_tokens=32, tail_tokens=32)
    with pytest.raises(ValueError, match="has 2 layers"):
        new_model(base).freeze(2)
