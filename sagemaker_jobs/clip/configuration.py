"""Checks config.json before the weights are read, so that an error names its field."""

from pathlib import Path
from typing import Any

import torch
from transformers import CLIPModel, SiglipModel
from transformers.activations import ACT2FN

from sagemaker_jobs.clip.errors import CheckpointError

MODELS = {"clip": CLIPModel, "siglip": SiglipModel}
"""The models that can be imported, by their ``model_type``."""
_BOTH = ("hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers")
_SIZES = {
    "text_config": (*_BOTH, "max_position_embeddings", "vocab_size"),
    "vision_config": (*_BOTH, "image_size", "patch_size"),
}
_ACTIVATION = "hidden_act"


def check_configuration(path: Path, config: dict[str, Any]) -> None:
    """Check that a config describes a model; what it leaves out has the default.

    Raises:
        CheckpointError: it does not.
    """
    kind = config.get("model_type")
    if kind not in MODELS:
        raise CheckpointError(
            f"{path}: model_type is {kind!r}, but only {' and '.join(MODELS)} can be imported"
        )
    for name, sizes in _SIZES.items():
        _check_part(path, name, config.get(name), sizes)
    model = MODELS[kind]
    try:
        with torch.device("meta"):  # without memory for weights
            model(model.config_class.from_dict(config))
    except Exception as error:  # transformers raises errors of all kinds
        raise CheckpointError(f"{path} cannot be used: {error}") from error


def _check_part(path: Path, name: str, part: object, sizes: tuple[str, ...]) -> None:
    if part is None:
        return
    if not isinstance(part, dict):
        raise CheckpointError(f"{path}: {name} must be an object")
    for field in sizes:
        size = part.get(field)
        if size is not None and (type(size) is not int or size < 1):
            raise CheckpointError(
                f"{path}: {name}.{field} is {size!r}; allowed are whole numbers from 1"
            )
    activation = part.get(_ACTIVATION)
    if activation is not None and activation not in ACT2FN:
        raise CheckpointError(
            f"{path}: {name}.{_ACTIVATION} is {activation!r}; allowed are {', '.join(ACT2FN)}"
        )
