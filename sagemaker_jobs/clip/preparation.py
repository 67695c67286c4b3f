"""Reads preprocessor_config.json: how pixels become the input of the picture tower."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from transformers import CLIPImageProcessor, SiglipImageProcessor

from sagemaker_jobs.clip.checkpoint import Checkpoint, read_json
from sagemaker_jobs.clip.errors import CheckpointError
from shared.schemas.joint import Preparation

_FILE, _NEWER_FILE = "preprocessor_config.json", "processor_config.json"
_PROCESSORS = {
    "CLIPImageProcessor": CLIPImageProcessor,
    "CLIPImageProcessorFast": CLIPImageProcessor,
    "CLIPFeatureExtractor": CLIPImageProcessor,
    "SiglipImageProcessor": SiglipImageProcessor,
    "SiglipImageProcessorFast": SiglipImageProcessor,
}
"""By the names in the file; those in torch do the same, up to the rounding of resized pixels."""
_DEFAULTS = {"clip": "CLIPImageProcessor", "siglip": "SiglipImageProcessor"}
"""For a file that names none, by the kind of the checkpoint."""
_FIELDS = {
    "shortest_side": "size",
    "crop": "crop_size",
    "scale": "rescale_factor",
    "mean": "image_mean",
    "deviation": "image_std",
}
"""Names in the file, where they differ from those of ``Preparation``."""
_CHANNELS = 3


def read_preparation(checkpoint: Checkpoint) -> Preparation:
    """How the pictures of a checkpoint are prepared.

    Raises:
        CheckpointError: the file names another processor, or asks for what is not supported.
    """
    path, content = _read(checkpoint)
    name = content.get("image_processor_type", content.get("feature_extractor_type"))
    name = name or _DEFAULTS[checkpoint.kind]
    if name not in _PROCESSORS:
        allowed = ", ".join(_PROCESSORS)
        raise CheckpointError(f"{path}: image_processor_type is {name!r}; allowed are {allowed}")
    try:
        preparation = _preparation(_PROCESSORS[name].from_dict(content))
    except ValidationError as error:
        raise CheckpointError(f"{path}: {_described(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error
    _check_size(path, preparation, checkpoint)
    return preparation


def _described(error: ValidationError) -> str:
    """The first error, by the name of its field in the file."""
    first = error.errors()[0]
    place = first["loc"]
    field = _FIELDS.get(str(place[0]), str(place[0])) if place else "size, crop_size, image_std"
    return f"{field}: {first['msg']}"


def _read(checkpoint: Checkpoint) -> tuple[Path, dict[str, Any]]:
    """The file and its rules for pictures; newer checkpoints have them beside those for texts."""
    path = checkpoint.folder / _FILE
    newer = checkpoint.folder / _NEWER_FILE
    if not path.is_file() and newer.is_file():
        part = read_json(newer).get("image_processor")
        if isinstance(part, dict):
            return newer, part
    return path, read_json(path)


def _preparation(processor: Any) -> Preparation:
    """The rules of a processor, with its defaults for what its file leaves out."""
    size = dict(processor.size)
    crop = processor.crop_size if getattr(processor, "do_center_crop", False) else None
    if processor.do_resize and "shortest_edge" not in size and "height" not in size:
        raise ValueError(f"size: allowed are shortest_edge, or height and width, not {size}")
    resized = processor.do_resize
    return Preparation(
        shortest_side=size.get("shortest_edge") if resized else None,
        size=(size["height"], size["width"]) if resized and "height" in size else None,
        resample=int(processor.resample),
        crop=(crop["height"], crop["width"]) if crop else None,
        scale=processor.rescale_factor if processor.do_rescale else 1.0,
        mean=_channels(processor.image_mean) if processor.do_normalize else (0.0,) * _CHANNELS,
        deviation=_channels(processor.image_std) if processor.do_normalize else (1.0,) * _CHANNELS,
    )


def _channels(value: Any) -> Any:
    return (value,) * _CHANNELS if isinstance(value, int | float) else tuple(value)


def _check_size(path: Path, preparation: Preparation, checkpoint: Checkpoint) -> None:
    """Check that the towers read what the preparation gives; their config may leave the default."""
    side = checkpoint.config.get("vision_config", {}).get("image_size", 224)
    if preparation.shape != (side, side):
        raise CheckpointError(
            f"{path}: pictures of {preparation.shape} pixels (height, width), but the picture tower"
            f" in config.json reads {side} x {side}"
        )
