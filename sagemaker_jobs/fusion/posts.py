"""Rows with a text, a picture and a sentiment, and their folds."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

from sagemaker_jobs.evaluate.metrics import Ints
from sagemaker_jobs.train.data import LABELS

FILE = "posts.parquet"
_ADDRESS = re.compile(r"https?\S*|@\w+")
_WORD = re.compile(r"#?\w+")


class Posts(NamedTuple):
    """Texts, the bytes of pictures, and labels 0..2."""

    texts: list[str]
    pictures: list[bytes]
    labels: Ints


def read_posts(folder: Path) -> Posts:
    """Read posts.parquet.

    Raises:
        ValueError: a row lacks a text or picture, a sentiment is unknown, or there are fewer than
            two.
    """
    columns = pq.read_table(folder / FILE, columns=["text", "sentiment", "picture"]).to_pydict()
    for name in ("text", "picture"):
        if None in columns[name]:
            raise ValueError(f"{FILE}: row {columns[name].index(None) + 1} has no {name}")
    unknown = [each for each in columns["sentiment"] if each not in LABELS]
    if unknown:
        raise ValueError(f"{FILE}: sentiment {unknown[0]!r}; allowed are {', '.join(LABELS)}")
    labels = np.array([LABELS.index(name) for name in columns["sentiment"]], np.int64)
    require_sentiments(labels)
    return Posts(columns["text"], columns["picture"], labels)


def require_sentiments(labels: Ints) -> None:
    """Check that there is something to learn.

    Raises:
        ValueError: there are fewer than two sentiments.
    """
    if len(set(labels.tolist())) < 2:
        raise ValueError(f"{FILE}: the rows with a readable picture must have two sentiments")


def folds_of(texts: list[str], count: int, salt: str) -> Ints:
    """The fold of each text: texts that differ in names, links and signs alone share one."""
    words = (" ".join(_WORD.findall(_ADDRESS.sub(" ", text.lower()))) for text in texts)
    hashes = (hashlib.sha256(f"{salt}:{each}".encode()).digest() for each in words)
    return np.array([int.from_bytes(each[:8], "big") % count for each in hashes], np.int64)
