"""The feature cache: parts of float16 features under a key of the settings, by content hash.

A part is one safetensors file, written to a temporary name and renamed. A run that was interrupted
keeps the parts that were complete; a part that cannot be read is computed again.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from sagemaker_jobs.pictures.config import FeaturesConfig

log = logging.getLogger("pictures")
Features = npt.NDArray[np.float16]
"""(v, d): the views of a picture (as it is, mirrored) and their features."""
_FORMAT = 1
"""To be raised when pictures are decoded or prepared in another way."""
_SETTINGS = ("size", "pixel_mean", "pixel_scale", "stages", "mirrored")


def settings_key(config: FeaturesConfig, weights: str) -> str:
    """16 hex digits of everything but the picture that its features depend on.

    Args:
        config: The settings of the features.
        weights: SHA-256 of the weights of the backbone.
    """
    settings = {name: getattr(config, name) for name in _SETTINGS}
    text = json.dumps({"format": _FORMAT, "weights": weights, **settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class FeatureCache:
    """The features of one folder of parts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._features: dict[str, Features] = {}
        folder.mkdir(parents=True, exist_ok=True)
        numbers = []
        for path in sorted(folder.glob("part-*.safetensors")):
            numbers.append(int(path.stem.removeprefix("part-")))
            try:
                with safe_open(path, framework="np") as opened:
                    hashes = json.loads(opened.metadata()["hashes"])
                    values = opened.get_tensor("features")
            except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError):
                log.warning("%s cannot be read: its pictures are read again", path)
                path.unlink()
                continue
            self._features |= dict(zip(hashes, values, strict=True))
        self._next = max(numbers, default=-1) + 1

    def __contains__(self, picture: str) -> bool:
        return picture in self._features

    def __getitem__(self, picture: str) -> Features:
        return self._features[picture]

    def add(self, features: Mapping[str, Features]) -> None:
        """Write a part; it is complete when this returns."""
        if not features:
            return
        path = self._folder / f"part-{self._next:05d}.safetensors"
        partial = self._folder / ".partial"
        values = np.stack(list(features.values()))
        save_file({"features": values}, partial, metadata={"hashes": json.dumps(list(features))})
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
        self._features |= features
        self._next += 1
