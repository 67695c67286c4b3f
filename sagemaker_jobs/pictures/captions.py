"""Encodes titles and captions by a frozen encoder; equal texts are encoded once."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from sagemaker_jobs.pictures.config import CaptionsConfig
from sagemaker_jobs.pictures.encoders import TextEncoder, open_text_encoder
from sagemaker_jobs.pictures.features import PRODUCTS
from sagemaker_jobs.pictures.products import load_products
from sagemaker_jobs.pictures.wordings import captions
from sagemaker_jobs.train.base import sha256_of

RECORD, VECTORS = "captions.json", "captions.safetensors"
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Texts(NamedTuple):
    """Vectors (t, d) of the distinct texts; the text of each title (n,) and caption (n, c)."""

    vectors: Floats
    titles: Ints
    captions: Ints


def unit(vectors: Floats) -> Floats:
    """The vectors with length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Floats = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result


def encode_texts(encoder: TextEncoder, texts: Sequence[str]) -> Floats:
    """Unit vectors (t, d) of texts."""
    return unit(encoder.encode(texts))


def run(config: CaptionsConfig) -> dict[str, object]:
    """Write the vectors of all texts; returns the record, which is written last."""
    products = load_products(config.features_dir / PRODUCTS)
    encoder = open_text_encoder(config.text_model, config.threads)
    rows = [[product.title, *captions(product)] for product in products]
    numbers: dict[str, int] = {}
    for text in (text for row in rows for text in row):
        numbers.setdefault(text, len(numbers))
    indices = np.array([[numbers[text] for text in row] for row in rows], np.int64)
    vectors = encode_texts(encoder, list(numbers))
    output = config.output_dir
    output.mkdir(parents=True, exist_ok=True)
    (output / RECORD).unlink(missing_ok=True)
    values = {"vectors": vectors, "titles": indices[:, 0], "captions": indices[:, 1:]}
    save_file({k: np.ascontiguousarray(v) for k, v in values.items()}, output / VECTORS)
    record: dict[str, object] = {
        "text_model": encoder.name,
        "products": len(products),
        "products_sha256": _products_hash(config.features_dir),
        "texts": len(numbers),
        "texts_sha256": hashlib.sha256("\n".join(numbers).encode()).hexdigest(),
        "captions_sha256": sha256_of(output / VECTORS),
    }
    (output / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    return record


def _products_hash(folder: Path) -> str:
    return sha256_of(folder / PRODUCTS)


def load_record(captions_dir: Path, features_dir: Path) -> dict[str, object]:
    """The record of the step, if it is complete and belongs to these products.

    Raises:
        FileNotFoundError: the step is not complete.
        ValueError: its texts are those of other products.
    """
    path = captions_dir / RECORD
    if not path.is_file():
        raise FileNotFoundError(f"captions_dir: {path} is missing: run the step captions first")
    record: dict[str, object] = json.loads(path.read_text())
    if record["products_sha256"] != _products_hash(features_dir):
        raise ValueError("captions_dir: its texts are those of other products: run captions again")
    return record


def load_texts(folder: Path) -> Texts:
    """The vectors of a folder."""
    values = load_file(folder / VECTORS)
    return Texts(values["vectors"], values["titles"], values["captions"])
