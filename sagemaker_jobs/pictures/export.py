"""Exports backbone and projection as one graph, with parity checks that stop a wrong one."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from sagemaker_jobs.export.parity import TOLERANCE, ParityError
from sagemaker_jobs.pictures.backbone import load_backbone
from sagemaker_jobs.pictures.config import MAX_GRAPH_BYTES, ExportConfig
from sagemaker_jobs.pictures.features import PRODUCTS, load_record, read_pixels, saved_config
from sagemaker_jobs.pictures.graph import (
    PictureTower,
    Pixels,
    embed,
    export_float,
    store_weights_as_int8,
)
from sagemaker_jobs.pictures.learn import RECORD
from sagemaker_jobs.pictures.products import Product, load_products, read_pictures, rows_of
from sagemaker_jobs.pictures.projection import load_projection
from shared.runtime.session import open_session
from shared.schemas.manifest import FileEntry
from shared.schemas.picture_manifest import PictureManifest

log = logging.getLogger("pictures")
GRAPH, MANIFEST = "model.onnx", "manifest.json"
_FLOAT_PICTURES = 16
"""Pictures that the float32 graph and the torch module both embed."""


def pixels_of(folder: Path, products: Sequence[Product], size: int) -> list[Pixels]:
    """The pixels of the pictures of products, which the step features could read."""
    pictures = read_pictures(folder, [product.file for product in products])
    return [read_pixels(data or b"", size) for data in pictures]


def evenly(products: Sequence[Product], split: str, count: int) -> list[Product]:
    """At most ``count`` products of a split, evenly spaced."""
    rows = rows_of(products, split)
    chosen = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)
    return [products[rows[place]] for place in chosen]


def float_parity(tower: PictureTower, path: Path, pixels: Sequence[Pixels]) -> float:
    """Largest difference between torch and the float32 graph, alone and in a batch.

    Raises:
        ParityError: it is above TOLERANCE.
    """
    with torch.no_grad():
        expected = tower(torch.from_numpy(np.stack(pixels))).numpy()
    session = open_session(path, 0)
    worst = max(
        float(np.abs(embed(session, pixels, size) - expected).max()) for size in (1, len(pixels))
    )
    if not worst <= TOLERANCE:  # also if it is not a number
        raise ParityError(f"the float32 graph differs from torch by {worst:.2e}")
    return worst


def int8_parity(
    plain: Path, served: Path, pixels: Sequence[Pixels], least: float
) -> dict[str, float]:
    """Cosines of int8 to float32, and how much a vector depends on its batch.

    Raises:
        ParityError: the mean cosine is below ``least``, or a vector depends on its batch.
    """
    wanted = embed(open_session(plain, 0), pixels)
    session = open_session(served, 0)
    got, alone = embed(session, pixels), embed(session, pixels, 1)
    cosines = (wanted * got).sum(-1)
    result = {
        "pictures": len(pixels),
        "mean_cosine": float(cosines.mean()),
        "least_cosine": float(cosines.min()),
        "batch_difference": float(np.abs(got - alone).max()),
    }
    if not result["mean_cosine"] >= least:
        raise ParityError(
            f"the int8 graph has a mean cosine of {result['mean_cosine']:.4f} to float32, less than"
            f" {least}"
        )
    if not result["batch_difference"] <= TOLERANCE:
        raise ParityError("a vector of the int8 graph depends on the other pictures of its batch")
    return result


def run(config: ExportConfig) -> dict[str, object]:
    """Write model.onnx and manifest.json, which is written last; returns the manifest.

    Raises:
        FileNotFoundError: a step before this one is not complete.
        ParityError: a graph's vectors differ from those of torch.
        ValueError: the graph is larger than MAX_GRAPH_BYTES.
    """
    settings = saved_config(config.features_dir, config.data_dir)
    learned = json.loads((config.learned_dir / RECORD).read_text())
    if learned["features_sha256"] != load_record(config.features_dir)["features_sha256"]:
        raise ValueError("learned_dir: it was learned from other features: run learn again")
    products = load_products(config.features_dir / PRODUCTS)
    tower = PictureTower(load_backbone(settings), load_projection(config.learned_dir))
    checked = pixels_of(
        config.data_dir, evenly(products, "validation", config.parity_pictures), settings.size
    )
    output = config.output_dir
    output.mkdir(parents=True, exist_ok=True)
    (output / MANIFEST).unlink(missing_ok=True)
    measured: dict[str, object] = {"precision": config.precision}
    with tempfile.TemporaryDirectory() as folder:
        plain, served = Path(folder) / "float32.onnx", Path(folder) / GRAPH
        export_float(tower, settings.size, plain)
        measured["float32_parity"] = float_parity(tower, plain, checked[:_FLOAT_PICTURES])
        if config.precision == "int8":
            store_weights_as_int8(plain, served)
            measured["int8_parity"] = int8_parity(plain, served, checked, config.min_cosine)
        else:
            served = plain
        body = served.read_bytes()
    if config.precision == "int8" and len(body) > MAX_GRAPH_BYTES:
        raise ValueError(f"the graph has {len(body):,} bytes, more than {MAX_GRAPH_BYTES:,}")
    (output / GRAPH).write_bytes(body)
    log.info("%d bytes, %s", len(body), measured)
    sha256 = hashlib.sha256(body).hexdigest()
    manifest = PictureManifest(
        version=f"{config.family}-{sha256[:8]}",
        created_at=datetime.now(UTC).replace(microsecond=0),
        files={GRAPH: FileEntry(sha256=sha256, bytes=len(body))},
        dimension=tower.projection.linear.out_features,
        size=settings.size,
        text_model=learned["text_model"],
        parameters={**measured, "features": load_record(config.features_dir), "learned": learned},
    ).model_dump(mode="json")
    (output / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest
