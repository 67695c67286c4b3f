"""Labels texts, sentences and clauses with the teacher."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from sagemaker_jobs.distil import rows as labelled
from sagemaker_jobs.distil.config import LabelConfig
from sagemaker_jobs.distil.fit import choose_device
from sagemaker_jobs.distil.model import group_stars
from sagemaker_jobs.distil.predict import load_teacher, predict
from sagemaker_jobs.distil.texts import Batch, TokenSet, tokenise
from shared.runtime.tokens import load_tokenizer

log = logging.getLogger("distil")
_ROWS_PER_FILE = 500_000


def run(config: LabelConfig) -> dict[str, object]:
    """Write ``labels-*.parquet``: key of a text, its probabilities as a review and a sentence."""
    device = choose_device(config)
    rows = labelled.read_rows(config.data_dir / "train.parquet")
    texts = dict.fromkeys(row.text for row in rows)
    for row in rows:
        texts |= dict.fromkeys(row.text[a:b] for a, b in labelled.sentence_spans(row.text))
    everything = list(texts)
    log.info("%d texts, sentences and clauses", len(everything))
    model = load_teacher(config.teacher_dir).to(device)
    tokenizer = load_tokenizer(config.teacher_dir / "tokenizer.json")
    empty: list[list[tuple[int, int]]] = [[]] * len(everything)
    tokens = TokenSet(
        tokenise(tokenizer, everything, empty, config.max_tokens, config.tail_tokens), device
    )

    def outputs(batch: Batch) -> tuple[Tensor, Tensor]:
        output = model(batch.ids, batch.mask)
        return group_stars(output.stars).exp(), output.sentence.float().softmax(-1)

    stars, sentence = predict(tokens, device, outputs)
    write_labels(config.output_dir, everything, stars, sentence)
    return {"texts": len(everything)}


def write_labels(
    folder: Path, texts: Sequence[str], stars: np.ndarray, sentence: np.ndarray
) -> None:
    """Write the labels of texts, which are identified by a hash.

    The first file is written last: a folder that has it is complete.

    Args:
        folder: where to write.
        texts: n texts.
        stars: (n, 3) probabilities as reviews.
        sentence: (n, 3) probabilities as sentences.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = np.asarray([text_key(text) for text in texts], np.uint64)
    for at in reversed(range(0, len(texts), _ROWS_PER_FILE)):
        part = slice(at, at + _ROWS_PER_FILE)
        table = pa.table(
            {"key": keys[part], "stars": _bytes(stars[part]), "sentence": _bytes(sentence[part])}
        )
        pq.write_table(
            table, folder / f"labels-{at // _ROWS_PER_FILE:03}.parquet", compression="zstd"
        )


def read_labels(folder: Path) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Key of a text -> its probabilities (3,) as a review and as a sentence."""
    labels: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for path in sorted(folder.glob("labels-*.parquet")):
        table = pq.read_table(path)
        columns = [
            np.frombuffer(b"".join(table[name].to_pylist()), np.uint8).reshape(-1, 3) / 255
            for name in ("stars", "sentence")
        ]
        stars, sentence = (column / column.sum(1, keepdims=True) for column in columns)
        labels |= dict(
            zip(table["key"].to_pylist(), zip(stars, sentence, strict=True), strict=True)
        )
    return labels


def text_key(text: str) -> int:
    """The first 64 bits of a text's SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _bytes(values: np.ndarray) -> pa.Array:
    rounded = np.round(values * 255).astype(np.uint8)
    return pa.array([row.tobytes() for row in rounded], pa.binary(3))
