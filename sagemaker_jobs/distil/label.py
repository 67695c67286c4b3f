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
TEXTS_PER_FILE = 50_000


def run(config: LabelConfig) -> dict[str, object]:
    """Write ``labels-*.parquet``: key of a text, its probabilities as a review and a sentence.

    The files are written from the last to the first: a folder that has the first is complete. The
    same command continues with the files that are missing.

    Raises:
        ValueError: a file that is there has labels of other texts.
    """
    device = choose_device(config)
    texts = _texts(config)
    log.info("%d texts, sentences and clauses", len(texts))
    model = load_teacher(config.teacher_dir).to(device)
    tokenizer = load_tokenizer(config.teacher_dir / "tokenizer.json")
    limits = config.max_tokens, config.tail_tokens

    def outputs(batch: Batch) -> tuple[Tensor, Tensor]:
        output = model(batch.ids, batch.mask)
        return group_stars(output.stars).exp(), output.sentence.float().softmax(-1)

    config.output_dir.mkdir(parents=True, exist_ok=True)
    for at in reversed(range(0, len(texts), TEXTS_PER_FILE)):
        part = texts[at : at + TEXTS_PER_FILE]
        path = config.output_dir / f"labels-{at // TEXTS_PER_FILE:03}.parquet"
        if path.exists():
            _check(path, part)
            continue
        empty: list[list[tuple[int, int]]] = [[]] * len(part)
        tokens = TokenSet(tokenise(tokenizer, part, empty, *limits), device)
        _write(path, part, *predict(tokens, device, outputs))
        log.info("%s: %d texts", path.name, len(part))
    return {"texts": len(texts)}


def _texts(config: LabelConfig) -> list[str]:
    """The texts of the training rows, then the sentences and clauses in them, each once."""
    rows = labelled.read_rows(config.data_dir / "train.parquet")
    texts = dict.fromkeys(row.text for row in rows)
    for row in rows:
        texts |= dict.fromkeys(row.text[a:b] for a, b in labelled.sentence_spans(row.text))
    return list(texts)


def _keys(texts: Sequence[str]) -> np.ndarray:
    return np.asarray([text_key(text) for text in texts], np.uint64)


def _check(path: Path, texts: Sequence[str]) -> None:
    if not np.array_equal(pq.read_table(path, columns=["key"])["key"].to_numpy(), _keys(texts)):
        raise ValueError(f"{path} has labels of other texts: remove the folder, or name another")


def _write(path: Path, texts: Sequence[str], stars: np.ndarray, sentence: np.ndarray) -> None:
    """Write a file at once: the labels of n texts, with probabilities (n, 3) of each kind."""
    table = pa.table({"key": _keys(texts), "stars": _bytes(stars), "sentence": _bytes(sentence)})
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial, compression="zstd")
    partial.replace(path)


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
