"""What the frozen encoders say of texts and pictures, computed once and cached."""

import hashlib
import logging
from collections.abc import Callable, Sequence

import numpy as np

from sagemaker_jobs.evaluate.metrics import Floats
from sagemaker_jobs.evaluate.model import ScoredModel, encode
from sagemaker_jobs.fusion.config import FusionConfig
from sagemaker_jobs.fusion.head import text_features
from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.pictures.square import square_pixels
from shared.runtime.session import open_session
from shared.schemas.picture_manifest import EMBEDDING_OUTPUT, PIXELS_INPUT, PictureManifest

log = logging.getLogger("fusion")
_FORMAT = 1


def text_vectors(texts: Sequence[str], config: FusionConfig) -> tuple[str, Floats]:
    """Version of the text model, and its features (n, d) of texts, as in serving."""
    model = ScoredModel(config.text_model, config.threads)

    def compute() -> Floats:
        vectors, logits = encode(model.session, model.tokenise(texts)[0], size=1)
        return text_features(vectors, logits)

    content = "\n".join(texts).encode()
    return model.manifest.version, _cached(config, model.manifest.version, content, compute)


def picture_vectors(pictures: Sequence[bytes], config: FusionConfig) -> tuple[str, Floats]:
    """Version of the picture model, and its vectors (n, d); not a number where none can be read."""
    folder = config.picture_model
    manifest = PictureManifest.model_validate_json((folder / "manifest.json").read_bytes())

    def compute() -> Floats:
        session = open_session(folder / "model.onnx", config.threads)
        vectors = np.full((len(pictures), manifest.dimension), np.nan, np.float32)
        for row, data in enumerate(pictures):
            try:
                pixels = square_pixels(decode(data), manifest.size)
            except PictureError as error:
                log.warning("row %d: %s", row, error)
                continue
            (vectors[row],) = session.run([EMBEDDING_OUTPUT], {PIXELS_INPUT: pixels[None]})[0]
        return vectors

    content = b"".join(hashlib.sha256(data).digest() for data in pictures)
    return manifest.version, _cached(config, manifest.version, content, compute)


def _cached(
    config: FusionConfig, version: str, content: bytes, compute: Callable[[], Floats]
) -> Floats:
    """Vectors from the cache, under the version of the model and what it reads."""
    if config.cache_dir is None:
        return compute()
    key = hashlib.sha256(f"{_FORMAT}:{version}:".encode() + content).hexdigest()[:16]
    path = config.cache_dir / f"vectors-{key}.npy"
    if path.is_file():
        cached: Floats = np.load(path, allow_pickle=False)
        return cached
    vectors = compute()
    config.cache_dir.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    np.save(partial, vectors, allow_pickle=False)
    partial.replace(path)
    return vectors
