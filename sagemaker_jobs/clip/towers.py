"""The two towers as torch modules that return unit vectors, and their float32 graphs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from optimum.exporters.onnx.convert import export_pytorch
from optimum.exporters.onnx.model_configs import (
    CLIPTextWithProjectionOnnxConfig,
    CLIPVisionModelOnnxConfig,
)
from torch import Tensor, nn

from sagemaker_jobs.clip.errors import CheckpointError
from sagemaker_jobs.export.graph import OPSET, read_equal_weights_directly
from shared.schemas.joint import IDS_INPUT, PIXELS_INPUT, VECTOR_OUTPUT

_TRACED_TOKENS = 16
MAX_WEIGHTS = 500_000_000
"""Weights of a tower: its graph in float32 must stay below the 2 GB of a protobuf message."""


class TextTower(nn.Module):
    """Token ids (n, tokens) to unit vectors (n, d)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.config = model, model.config.text_config
        self.eval()

    def tower_parameters(self) -> Iterator[nn.Parameter]:
        """The weights of this tower alone."""
        yield from self.model.text_model.parameters()

    def forward(self, input_ids: Tensor) -> Tensor:
        """The vectors of a batch. CLIP's padding follows the last token read, so needs no mask."""
        vectors = self.model.get_text_features(input_ids=input_ids)
        return nn.functional.normalize(vectors, dim=-1)


class PictureTower(nn.Module):
    """Prepared pixels (n, 3, height, width) to unit vectors (n, d)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.config = model, model.config.vision_config
        self.eval()

    def tower_parameters(self) -> Iterator[nn.Parameter]:
        """The weights of this tower alone."""
        yield from self.model.vision_model.parameters()

    def forward(self, pixel_values: Tensor) -> Tensor:
        """The vectors of a batch."""
        vectors = self.model.get_image_features(pixel_values=pixel_values)
        return nn.functional.normalize(vectors, dim=-1)


class _TextConfig(CLIPTextWithProjectionOnnxConfig):
    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {IDS_INPUT: {0: "batch", 1: "tokens"}}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        return {VECTOR_OUTPUT: {0: "batch"}}


class _PictureConfig(CLIPVisionModelOnnxConfig):
    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {PIXELS_INPUT: {0: "batch"}}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        return {VECTOR_OUTPUT: {0: "batch"}}


def export_float(tower: TextTower | PictureTower, path: Path) -> None:
    """Write the float32 graph of a tower; the sizes of batches and texts are free.

    Raises:
        CheckpointError: the tower is too large for one file.
    """
    weights = sum(part.numel() for part in tower.tower_parameters())
    if weights > MAX_WEIGHTS:
        raise CheckpointError(
            f"a tower of {weights:,} weights cannot be exported to one file; allowed are"
            f" {MAX_WEIGHTS:,}"
        )
    kind, shapes = _PictureConfig, {}
    if isinstance(tower, TextTower):
        longest = tower.config.max_position_embeddings
        kind, shapes = _TextConfig, {"sequence_length": min(_TRACED_TOKENS, longest)}
    export_pytorch(tower, kind(tower.config), OPSET, path, input_shapes=shapes)
    read_equal_weights_directly(path)
    onnx.checker.check_model(str(path))
