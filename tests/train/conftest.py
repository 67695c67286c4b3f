"""A tiny encoder built from a config, and labelled texts written here: nothing is downloaded."""

import os
import random
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # read on import: no test asks the hub

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel

WORDS = {
    "positive": ["lovely", "brilliant", "sturdy", "quick", "delightful", "perfect"],
    "neutral": ["okay", "average", "acceptable", "ordinary", "middling", "passable"],
    "negative": ["awful", "broken", "useless", "late", "dreadful", "flimsy"],
}
THINGS = ["kettle", "tent", "lamp", "speaker", "desk", "toaster", "bag"]


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts and sentiments; ``count`` of each class."""
    rng = random.Random(seed)
    rows = [
        (f"the {rng.choice(THINGS)} was {rng.choice(words)} and {rng.choice(words)} {i}", label)
        for label, words in WORDS.items()
        for i in range(count)
    ]
    rng.shuffle(rows)
    return rows


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """Folder of a two-layer BERT with its own tokenizer."""
    folder = tmp_path_factory.mktemp("base")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special)
    tokenizer.train_from_iterator((text for text, _ in sentences(60, 0)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=128,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Folder with train.parquet, validation.parquet and test.parquet."""
    folder = tmp_path_factory.mktemp("data")
    for seed, (name, count) in enumerate((("train", 80), ("validation", 20), ("test", 20))):
        texts, labels = zip(*sentences(count, seed), strict=True)
        table = {"text": texts, "sentiment": labels, "source": ["made"] * len(texts)}
        pq.write_table(pa.table(table), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="session")
def options(base, data) -> list[str]:
    """Arguments of a run that takes seconds."""
    return [
        "--train-dir", str(data), "--model-name", str(base), "--epochs", "6",
        "--batch-size", "16", "--learning-rate", "3e-3", "--head-learning-rate", "3e-3",
        "--cosine-weight", "0.1", "--similarity-weight", "0.1",
        "--served-tokens", "64", "--served-tail-tokens", "16",
        "--class-counts", '{"negative": 80, "neutral": 80, "positive": 80}', "--threads", "1",
        "--log-steps", "5",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def run_dir(options, tmp_path_factory) -> Path:
    """A finished training run."""
    from sagemaker_jobs.train.__main__ import main

    folder = tmp_path_factory.mktemp("run")
    assert main([*options, "--output-dir", str(folder)]) == 0
    return folder
