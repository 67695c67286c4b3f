"""Measures an exported tower on held-out products: zero-shot types, retrieval, a linear probe."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sagemaker_jobs.pictures.captions import encode_texts, unit
from sagemaker_jobs.pictures.config import EvaluateConfig
from sagemaker_jobs.pictures.encoders import TextEncoder, open_text_encoder
from sagemaker_jobs.pictures.export import GRAPH, MANIFEST, pixels_of
from sagemaker_jobs.pictures.features import PRODUCTS, load_features
from sagemaker_jobs.pictures.figures import (
    RECALLS,
    Floats,
    Hits,
    proportion,
    proportions,
    retrieval_hits,
    title_scores,
)
from sagemaker_jobs.pictures.graph import embed
from sagemaker_jobs.pictures.products import (
    Product,
    load_picture_hashes,
    load_products,
    rows_of,
)
from sagemaker_jobs.pictures.render import markdown
from sagemaker_jobs.pictures.wordings import prompts
from shared.runtime.session import open_session
from shared.schemas.picture_manifest import PictureManifest

log = logging.getLogger("pictures")
_PROBE_ITERATIONS = 200


def type_vectors(encoder: TextEncoder, types: Sequence[str]) -> Floats:
    """A unit vector for each article type: the mean of its prompts."""
    texts = [prompts(each) for each in types]
    vectors = encode_texts(encoder, [text for each in texts for text in each])
    return unit(vectors.reshape(len(types), -1, vectors.shape[-1]).mean(1))


def zero_shot(pictures: Floats, vectors: Floats, types: Sequence[str], own: Sequence[str]) -> Hits:
    """For which pictures the nearest article type is their own."""
    predicted = (pictures @ vectors.T).argmax(1)
    hits: Hits = np.array([types[row] for row in predicted]) == np.array(own)
    return hits


def probe(features: Floats, products: Sequence[Product], rows: list[int], strength: float) -> Hits:
    """For which rows a logistic regression on the frozen features gives the article type.

    Args:
        features: (n, d) of all products.
        products: All products; it is fitted on those of training.
        rows: The rows to predict.
        strength: Inverse of the regularisation.
    """
    fitted = rows_of(products, "train")
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, max_iter=_PROBE_ITERATIONS)
    )
    model.fit(features[fitted], [products[row].type for row in fitted])
    own = np.array([products[row].type for row in rows])
    hits: Hits = model.predict(features[rows]) == own
    return hits


def in_training(products: Sequence[Product], hashes: Sequence[str], rows: list[int]) -> Hits:
    """Which rows have the very picture of a product of training."""
    trained = {hashes[row] for row in rows_of(products, "train")}
    return np.array([hashes[row] in trained for row in rows])


def references(products: Sequence[Product], rows: list[int], types: int) -> dict[str, float]:
    """What chance and the most frequent type of training would reach."""
    trained = Counter(products[row].type for row in rows_of(products, "train"))
    majority = trained.most_common(1)[0][0]
    share = sum(products[row].type == majority for row in rows) / len(rows)
    chance = {f"chance@{count}": min(1.0, count / len(rows)) for count in RECALLS}
    return {"type_chance": 1 / types, "type_majority": share, **chance}


def run(config: EvaluateConfig) -> dict[str, Any]:
    """Write the figures as JSON and Markdown; returns them.

    Raises:
        ValueError: the tower was made for another text model, or the split is empty.
    """
    manifest = PictureManifest.model_validate_json((config.model_dir / MANIFEST).read_bytes())
    encoder = open_text_encoder(config.text_model, config.threads)
    if not _comparable(manifest, encoder):
        raise ValueError(
            f"text_model: it is {encoder.name}, but the tower was made for {manifest.text_model}"
            " and encoders near it"
        )
    products = load_products(config.features_dir / PRODUCTS)
    rows = rows_of(products, config.split)
    if not rows:
        raise ValueError(f"features_dir: the split {config.split} has no product")
    held_out = [products[row] for row in rows]
    pixels = pixels_of(config.data_dir, held_out, manifest.size)
    pictures = embed(open_session(config.model_dir / GRAPH, config.threads), pixels)
    types = sorted({product.type for product in products})
    hits: dict[str, Hits] = {
        "zero_shot_type": zero_shot(
            pictures, type_vectors(encoder, types), types, [product.type for product in held_out]
        ),
        **_retrieval(encoder, pictures, held_out),
    }
    if config.probe:
        features = load_features(config.features_dir)[:, 0].astype(np.float32)
        hits["linear_probe_type"] = probe(features, products, rows, config.probe_strength)
    repeated = in_training(products, load_picture_hashes(config.features_dir / PRODUCTS), rows)
    result = {
        "version": manifest.version,
        "text_model": encoder.name,
        "evaluated_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "split": config.split,
        "products": len(rows),
        "types": len(types),
        "bytes": manifest.files[GRAPH].bytes,
        "figures": proportions(hits, config.resamples, config.seed),
        "references": references(products, rows, len(types)),
        "picture_in_training": proportion(repeated, 0, 0),
    }
    _write(config.output, result)
    return result


def _comparable(manifest: PictureManifest, encoder: TextEncoder) -> bool:
    """Whether the vectors of a tower and of an encoder can be compared."""
    if encoder.manifest is None:
        return encoder.name == manifest.text_model
    return manifest.fits(encoder.manifest)


def _retrieval(
    encoder: TextEncoder, pictures: Floats, products: Sequence[Product]
) -> dict[str, Hits]:
    titles = [product.title for product in products]
    distinct = list(dict.fromkeys(titles))
    numbers = {title: number for number, title in enumerate(distinct)}
    vectors = encode_texts(encoder, distinct)
    own = np.array([numbers[title] for title in titles], np.int64)
    return retrieval_hits(title_scores(pictures, vectors, own))


def _write(output: Path, result: dict[str, Any]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    log.info("%s", {name: each["value"] for name, each in result["figures"].items()})
