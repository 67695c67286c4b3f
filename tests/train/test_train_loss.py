"""Weights of the loss, drawn rows, noise, and early stopping."""

import json
import random
from collections import Counter

import pytest
import torch
from tokenizers import Tokenizer
from torch import nn

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.augment import add_noise
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.distributed import World
from sagemaker_jobs.train.losses import BatchLoss, class_weights
from sagemaker_jobs.train.sampling import Sampler

ALONE = World(torch.device("cpu"), bf16=False)


def config_of(tmp_path, **options):
    return TrainConfig(train_dir=tmp_path, output_dir=tmp_path, **options)


def sampler_of(base, tmp_path, labels, **options):
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    texts = [f"the kettle was lovely and sturdy {row}" for row in range(len(labels))]
    data = reviews.LabelledTexts(texts, labels, ["made"] * len(labels))
    return Sampler(tokenizer, data, config_of(tmp_path, batch_size=8, **options))


def epoch_of(sampler):
    return [pair for _ in range(sampler.batches_per_epoch) for pair in sampler.next()]


def test_balanced_weights_equalise_the_sentiments(tmp_path):
    labels = torch.tensor([0] * 6 + [1] * 2 + [2] * 16)
    weights = class_weights(labels, config_of(tmp_path, class_weights="balanced"))
    torch.testing.assert_close(weights * labels.bincount(), torch.full((3,), 8.0))
    assert class_weights(labels, config_of(tmp_path)) is None


def test_the_sentiment_loss_equals_the_weighted_mean_of_torch(tmp_path):
    torch.manual_seed(5)
    labels, logits = torch.tensor([0, 1, 2, 2, 2]), torch.randn(5, 3)
    config = config_of(tmp_path, class_weights="balanced", label_smoothing=0.0)
    weights = class_weights(labels, config)
    loss = BatchLoss(config, ALONE, weights).sentiment(logits, labels, labels)
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, labels, weights))


def test_a_balanced_draw_has_equally_many_per_sentiment_and_every_rare_row(base, tmp_path):
    labels = [0] * 10 + [1] * 4 + [2] * 46
    sampler = sampler_of(base, tmp_path, labels, class_weights="draw")
    first, second = (Counter(row for row, _ in epoch_of(sampler)) for _ in range(2))
    for rows in (first, second):
        by_label = Counter(labels[row] for row in rows.elements())
        assert by_label == {0: 20, 1: 20, 2: 20}
        assert all(rows[row] == 5 for row in range(10, 14))
    assert first.keys() != second.keys()


def test_a_sampler_continues_from_its_state(base, tmp_path):
    options = {"class_weights": "draw", "augment_share": 0.5}
    sampler, restored = (sampler_of(base, tmp_path, [0, 1, 2] * 20, **options) for _ in range(2))
    for _ in range(11):
        sampler.next()
    restored.restore(json.loads(json.dumps(sampler.state())))
    assert [sampler.next() for _ in range(12)] == [restored.next() for _ in range(12)]


def test_a_share_of_the_texts_gets_other_noise_in_each_epoch(base, tmp_path):
    sampler = sampler_of(base, tmp_path, [0, 1, 2] * 20, augment_share=0.5)
    changed = []
    for _ in range(2):
        pairs = epoch_of(sampler)
        assert sorted(row for row, _ in pairs) == list(range(60))
        changed.append({row for row, ids in pairs if ids != sampler.ids[row]})
    assert all(10 <= len(rows) <= 30 for rows in changed)
    assert changed[0] != changed[1]


def _letters(text: str) -> list[str]:
    bare = ("".join(filter(str.isalpha, word)) for word in text.lower().split())
    return [word for word in bare if word]


def test_noise_is_reproducible_and_keeps_most_of_a_text():
    text = "The little kettle boils quickly, and it looks sturdy on my kitchen shelf."
    variants = [add_noise(text, random.Random(seed)) for seed in range(200)]
    assert variants == [add_noise(text, random.Random(seed)) for seed in range(200)]
    assert sum(other != text for other in variants) > 180
    letters = [_letters(other) for other in variants]
    for other in letters:
        if _letters(text)[: len(other)] != other:
            assert 1 <= sum(a != b for a, b in zip(_letters(text), other, strict=True)) <= 2
    marked = [
        a for a, b in zip(variants, letters, strict=True) if b == _letters(text) and a != text
    ]
    assert any(len(other) > len(text) for other in marked)
    assert any("," not in other for other in marked)
    for seed in range(30):
        assert add_noise("", random.Random(seed)) == ""
        assert _letters(add_noise("ok", random.Random(seed))) == ["ok"]


def test_training_stops_without_better_macro_f1_and_keeps_the_best_weights(options, tmp_path):
    assert main([*options, "--patience", "2", "--epochs", "20", "--output-dir", str(tmp_path)]) == 0
    lines = [
        json.loads(x) for x in (tmp_path / "logs/train_metrics.jsonl").read_text().split("\n")[:-1]
    ]
    validations = [line for line in lines if line["event"] == "validation"]
    scores = [line["validation_macro_f1"] for line in validations]
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["stopped_early"]
    assert record["steps"] == validations[-1]["step"] < 300
    assert record["best_validation_macro_f1"] == max(scores)
    assert scores.index(max(scores)) == len(scores) - 3


def test_a_recipe_trains_all_its_epochs_unless_it_sets_patience(options, tmp_path):
    recipe = tmp_path / "recipe.json"
    for extra, steps in (({}, 180), ({"patience": 1}, 180)):
        recipe.write_text(json.dumps({"epochs": 12, **extra}))
        arguments = [x for pair in zip(options[::2], options[1::2], strict=True)
                     if pair[0] != "--epochs" for x in pair]  # fmt: skip
        out = tmp_path / f"run{len(extra)}"
        assert main([*arguments, "--recipe", str(recipe), "--output-dir", str(out)]) == 0
        record = json.loads((out / "run.json").read_text())
        assert (record["steps"] < steps) == bool(extra)


def test_without_distillation_the_teacher_does_not_run(options, tmp_path, caplog):
    arguments = ["--cosine-weight", "0", "--similarity-weight", "0", "--output-dir", str(tmp_path)]
    with caplog.at_level("INFO"):
        assert main([*options, *arguments]) == 0
    assert "base embeddings" not in caplog.text
    lines = [
        json.loads(x) for x in (tmp_path / "logs/train_metrics.jsonl").read_text().split("\n")[:-1]
    ]
    assert {line["similarity"] for line in lines if line["event"] == "step"} == {0}
    assert json.loads((tmp_path / "run.json").read_text())["validation_accuracy"] > 0.9


def test_a_loss_that_is_not_finite_stops_the_run_with_advice(options, tmp_path):
    with pytest.raises(FloatingPointError, match="learning_rate"):
        main(
            [
                *options,
                "--learning-rate",
                "1e30",
                "--warmup-share",
                "0",
                "--output-dir",
                str(tmp_path),
            ]
        )
