"""Encoders by name or folder: BERT, DistilBERT and MiniLM, also from the hub's cache."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file
from transformers import DistilBertConfig, DistilBertModel

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.base import BUNDLED, base_folder
from sagemaker_jobs.train.model import load_model, new_model


@pytest.fixture(scope="module")
def distilbert(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("distilbert")
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    vocabulary = json.loads((base / "config.json").read_text())["vocab_size"]
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=vocabulary, dim=32, n_layers=2, n_heads=2, hidden_dim=64,
        max_position_embeddings=128,
    )  # fmt: skip
    DistilBertModel(config).save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_distilbert_can_be_trained_frozen_and_loaded(options, distilbert, tmp_path):
    arguments = [*options, "--model-name", str(distilbert), "--frozen-layers", "1"]
    assert main([*arguments, "--dropout", "0.1", "--output-dir", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "run.json").read_text())["validation_accuracy"] > 0.9
    before, after = (load_file(x / "model.safetensors") for x in (distilbert, tmp_path))
    same = {name for name in before if before[name].equal(after[f"encoder.{name}"])}
    assert any(name.startswith("transformer.layer.0.") for name in same)
    assert all(name in same for name in before if "embeddings" in name or "layer.0." in name)
    assert not any(name.startswith("transformer.layer.1.") for name in same)
    model = load_model(tmp_path)
    embedding, logits = model(*reviews.pad([[2, 30, 40, 3], [2, 50, 3]]))
    assert (embedding.shape, logits.shape) == ((2, 32), (2, 3))


def test_dropout_applies_to_every_kind_of_encoder(base, distilbert):
    for folder in (base, distilbert):
        rates = {
            module.p
            for module in new_model(folder, 0.25).encoder.modules()
            if isinstance(module, torch.nn.Dropout)
        }
        assert rates == {0.25}


def test_the_bundled_encoder_needs_no_hub():
    assert (base_folder(BUNDLED) / "model.safetensors").is_file()


def test_a_name_is_read_from_the_cache_of_the_hub(base, monkeypatch, tmp_path):
    repository = tmp_path / "models--made--tiny"
    name = f"made/tiny@{'0' * 40}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    for path in base.iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert base_folder(name) == snapshot
    (snapshot / "model.safetensors").unlink()
    (snapshot / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(FileNotFoundError, match=r"give a folder .*model\.safetensors"):
        base_folder(name)


@pytest.mark.parametrize("name", [f"not-here@{'0' * 40}", "a/b/c", "/no/such/folder"])
def test_the_error_without_a_hub_says_how_to_continue(name):
    with pytest.raises(FileNotFoundError, match=rf"model_name: {name} .* give a folder"):
        base_folder(name)


def test_the_error_for_an_incomplete_folder_names_the_missing_files(base, tmp_path):
    (tmp_path / "config.json").write_bytes((base / "config.json").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"lacks model\.safetensors, tokenizer\.json"):
        base_folder(str(tmp_path))


def test_texts_too_long_for_the_encoder_are_rejected(options, tmp_path, base):
    labels = ["negative", "neutral", "positive"]
    table = {"text": ["lovely lamp " * 100] * 3, "sentiment": labels, "source": ["made"] * 3}
    for name in ("train", "validation"):
        pq.write_table(pa.table(table), tmp_path / f"{name}.parquet")
    arguments = [*options, "--train-dir", str(tmp_path), "--model-name", str(base)]
    arguments += ["--served-tokens", "256"]
    with pytest.raises(ValueError, match=r"served_tokens and max_tokens allow .* only 128"):
        main([*arguments, "--output-dir", str(tmp_path)])
