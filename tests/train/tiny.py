"""A two-layer encoder with its own tokenizer, and generated labelled texts.

``python -m tests.train.tiny FOLDER`` writes both below a folder.
"""

import random
import sys
from itertools import chain
from pathlib import Path
from string import digits

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
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


def _vocabulary() -> dict[str, int]:
    """Special tokens, characters, words and parts of words; a trained one differs in each run."""
    words = sorted({*THINGS, *chain.from_iterable(WORDS.values()), "the", "was", "and"})
    characters = sorted({*chain.from_iterable(words), *digits})
    beginnings = sorted({word[:end] for word in words for end in range(2, len(word))})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*special, *characters, *(f"##{c}" for c in characters), *words, *beginnings]
    return {token: number for number, token in enumerate(tokens)}


def make_encoder(folder: Path) -> None:
    """Write a Hugging Face folder: config.json, model.safetensors, tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.WordPiece(_vocabulary(), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # as tokenizers are published: they pad and truncate unless they are asked not to
    tokenizer.enable_padding(length=128)
    tokenizer.enable_truncation(128)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=128,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder, safe_serialization=True)


def make_data(folder: Path) -> None:
    """Write train.parquet, validation.parquet and test.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, count) in enumerate((("train", 80), ("validation", 20), ("test", 20))):
        texts, labels = zip(*sentences(count, seed), strict=True)
        table = {"text": texts, "sentiment": labels, "source": ["made"] * len(texts)}
        pq.write_table(pa.table(table), folder / f"{name}.parquet")


if __name__ == "__main__":
    root = Path(sys.argv[1])
    make_data(root / "data")
    make_encoder(root / "encoders" / "tiny")
