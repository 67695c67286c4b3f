"""Computes the features of all product pictures once, by the frozen backbone."""

import hashlib
import json
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from safetensors.numpy import load_file, save_file

from sagemaker_jobs.pictures.backbone import (
    backbone_blocks,
    load_backbone,
    save_backbone,
    weights_hash,
)
from sagemaker_jobs.pictures.cache import FeatureCache, Features, settings_key
from sagemaker_jobs.pictures.config import FeaturesConfig
from sagemaker_jobs.pictures.graph import export_float
from sagemaker_jobs.pictures.products import (
    Product,
    read_pictures,
    read_products,
    rows_of,
    write_products,
)
from sagemaker_jobs.train.base import sha256_of
from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.pictures.square import square_pixels
from shared.runtime.session import open_session
from shared.schemas.picture_manifest import PIXELS_INPUT

log = logging.getLogger("pictures")
Pixels = npt.NDArray[np.uint8]
RECORD, PRODUCTS, FEATURES, BACKBONE = (
    "features.json",
    "products.parquet",
    "features.safetensors",
    "backbone.safetensors",
)
_MISSING = "picture_missing"
_OUTPUT = "features"


class _Read(NamedTuple):
    """A picture of a product: the hash of its bytes, and why it is skipped, or its pixels."""

    product: Product
    sha256: str
    problem: str | None
    pixels: Pixels | None


def read_pixels(data: bytes, size: int) -> Pixels:
    """The pixels of a picture as a tower reads them: size x size x 3.

    Raises:
        PictureError: it is damaged, too large or of another type.
    """
    return square_pixels(decode(data), size)


def _read_all(
    products: list[Product], config: FeaturesConfig, cache: FeatureCache
) -> Iterator[_Read]:
    """Each product with its picture, decoded only if its features are not in the cache."""
    files = [product.file for product in products]
    pictures = read_pictures(config.data_dir, files)
    for product, data in zip(products, pictures, strict=True):
        if data is None:
            yield _Read(product, "", _MISSING, None)
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in cache:
            yield _Read(product, sha256, None, None)
            continue
        try:
            yield _Read(product, sha256, None, read_pixels(data, config.size))
        except PictureError as error:
            log.warning("product %s, %s: %s", product.product_id, product.file, error)
            yield _Read(product, sha256, error.code, None)


def open_backbone(config: FeaturesConfig) -> ort.InferenceSession:
    """The backbone as a float32 graph, which computes features four times as fast as torch."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backbone.onnx"
        export_float(load_backbone(config), config.size, path, _OUTPUT)
        return open_session(path, config.threads)


def compute(
    session: ort.InferenceSession, pixels: Iterable[Pixels], *, mirrored: bool
) -> list[Features]:
    """Features (v, d) of each picture of a batch."""
    batch = np.stack(list(pixels))
    views = [batch, np.ascontiguousarray(batch[:, :, ::-1])] if mirrored else [batch]
    features = [session.run([_OUTPUT], {PIXELS_INPUT: view})[0] for view in views]
    return list(np.stack(features, 1).astype(np.float16))


class _Writer:
    """Collects pictures, computes their features in batches and writes them in parts."""

    def __init__(self, config: FeaturesConfig, cache: FeatureCache) -> None:
        self._config, self._cache = config, cache
        self._session: ort.InferenceSession | None = None  # not needed if all is in the cache
        self._pixels: dict[str, Pixels] = {}
        self._features: dict[str, Features] = {}
        self.computed = 0

    def add(self, sha256: str, pixels: Pixels) -> None:
        """Add a picture, unless it is there already."""
        if sha256 in self._features:
            return
        self._pixels[sha256] = pixels
        if len(self._pixels) >= self._config.batch_size:
            self._compute()
        if len(self._features) >= self._config.part_size:
            self._write()

    def finish(self) -> None:
        """Write what is left."""
        self._compute()
        self._write()

    def _compute(self) -> None:
        if not self._pixels:
            return
        self._session = self._session or open_backbone(self._config)
        mirrored = self._config.mirrored
        values = compute(self._session, self._pixels.values(), mirrored=mirrored)
        self._features |= dict(zip(self._pixels, values, strict=True))
        self._pixels.clear()

    def _write(self) -> None:
        self._cache.add(self._features)
        self.computed += len(self._features)
        log.info("%d pictures computed", self.computed)
        self._features = {}


def run(config: FeaturesConfig) -> dict[str, object]:
    """Write products, features and the backbone; returns the record, which is written last.

    Raises:
        ValueError: the list of products is invalid, or no picture could be read.
    """
    products, incomplete = read_products(config.data_dir)
    weights = weights_hash(config)
    key = settings_key(config, weights)
    cache = FeatureCache(config.cache_dir / key)
    writer = _Writer(config, cache)
    kept: list[tuple[Product, str]] = []
    skipped: Counter[str] = Counter()
    for read in _read_all(products, config, cache):
        if read.problem:
            skipped[read.problem] += 1
            continue
        if read.pixels is not None:
            writer.add(read.sha256, read.pixels)
        kept.append((read.product, read.sha256))
    writer.finish()
    if not kept:
        raise ValueError(f"{config.data_dir}: none of its {len(products)} pictures can be read")
    features = np.stack([cache[sha256] for _, sha256 in kept])
    return _write_output(config, kept, features, {
        "settings_key": key,
        "weights_sha256": weights,
        "products": len(products),
        "incomplete_rows": incomplete,
        "skipped": dict(sorted(skipped.items())),
        "computed": writer.computed,
    })  # fmt: skip


def _write_output(
    config: FeaturesConfig,
    kept: list[tuple[Product, str]],
    features: npt.NDArray[np.float16],
    counts: dict[str, object],
) -> dict[str, object]:
    output = config.output_dir
    output.mkdir(parents=True, exist_ok=True)
    (output / RECORD).unlink(missing_ok=True)
    save_backbone(output / BACKBONE, load_backbone(config).network, backbone_blocks(config))
    rows = [product for product, _ in kept]
    write_products(output / PRODUCTS, rows, [sha256 for _, sha256 in kept])
    save_file({"features": features}, output / FEATURES)
    record: dict[str, object] = {
        "settings": config.model_dump(mode="json", exclude={"data_dir", "cache_dir", "output_dir"}),
        **counts,
        "dimension": features.shape[-1],
        "splits": {name: len(rows_of(rows, name)) for name in ("train", "validation", "test")},
        "features_sha256": sha256_of(output / FEATURES),
    }
    (output / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    return record


def load_features(folder: Path) -> npt.NDArray[np.float16]:
    """Features (n, v, d) of the products of this folder, in their order."""
    features: npt.NDArray[np.float16] = load_file(folder / FEATURES)["features"]
    return features


def load_record(folder: Path) -> dict[str, Any]:
    """The record of the step.

    Raises:
        FileNotFoundError: the step is not complete.
    """
    path = folder / RECORD
    if not path.is_file():
        raise FileNotFoundError(f"features_dir: {path} is missing: run the step features first")
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def saved_config(folder: Path, data_dir: Path) -> FeaturesConfig:
    """The settings of the features of a folder, with its own copy of the backbone."""
    settings = load_record(folder)["settings"] | {"backbone": str(folder / BACKBONE)}
    return FeaturesConfig(**settings, data_dir=data_dir, cache_dir=folder, output_dir=folder)
