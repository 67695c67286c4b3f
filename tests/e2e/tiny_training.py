"""Run by the training environment: a two-layer encoder and labelled texts, made below a folder."""

import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel

WORDS = {
    "positive": ["lovely", "brilliant", "sturdy"],
    "neutral": ["okay", "average", "ordinary"],
    "negative": ["awful", "broken", "useless"],
}


def texts(count, seed):
    """Texts and sentiments; ``count`` of each class."""
    rng = random.Random(seed)
    rows = [
        (f"the kettle was {rng.choice(words)} and {rng.choice(words)} {n}", label)
        for label, words in WORDS.items()
        for n in range(count)
    ]
    rng.shuffle(rows)
    return rows


def make_data(folder):
    folder.mkdir()
    for seed, (name, count) in enumerate((("train", 80), ("validation", 20))):
        text, label = zip(*texts(count, seed), strict=True)
        table = {"text": text, "sentiment": label, "source": ["made"] * len(text)}
        pq.write_table(pa.table(table), folder / f"{name}.parquet")


def make_encoder(folder):
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special)
    tokenizer.train_from_iterator((text for text, _ in texts(60, 0)), trainer)
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


if __name__ == "__main__":
    root = Path(sys.argv[1])
    make_data(root / "data")
    make_encoder(root / "encoders" / "tiny")
