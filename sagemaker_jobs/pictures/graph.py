"""The picture tower as one ONNX graph: float32 by torch's tracer, int8 by onnxruntime."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from sagemaker_jobs.pictures.backbone import Backbone
from sagemaker_jobs.pictures.config import ExportConfig
from sagemaker_jobs.pictures.projection import Projection
from shared.schemas.picture_manifest import EMBEDDING_OUTPUT, PIXELS_INPUT

log = logging.getLogger("pictures")
Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
OPSET = 17
_INTEGER_OPERATORS = ["Conv", "Clip", "Pad"]
"""Products, and what stands between them: a limit (ReLU6) becomes the range of its product."""
_FLOAT_PART = "/projection"
"""Nodes that stay float32: they are few, and their sums decide the order of results."""
_METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
_BATCH = 16


class PictureTower(nn.Module):
    """Pixels (n, s, s, 3) uint8 to unit vectors (n, e)."""

    def __init__(self, backbone: Backbone, projection: Projection) -> None:
        super().__init__()
        self.backbone, self.projection = backbone, projection
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        """The vectors of a batch."""
        vectors: Tensor = self.projection(self.backbone(pixels))
        return vectors


def export_float(tower: PictureTower, size: int, path: Path) -> None:
    """Write the float32 graph with a dynamic batch axis; batch norms become part of products.

    The legacy tracer folds them, as in the export of text encoders.
    """
    torch.onnx.export(
        tower,
        (torch.zeros(2, size, size, 3, dtype=torch.uint8),),
        str(path),
        input_names=[PIXELS_INPUT],
        output_names=[EMBEDDING_OUTPUT],
        dynamic_axes={PIXELS_INPUT: {0: "batch"}, EMBEDDING_OUTPUT: {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(str(path))


class _Pictures(CalibrationDataReader):
    """One picture at a time, for the ranges of activations."""

    def __init__(self, pixels: Sequence[Pixels]) -> None:
        self._next = iter(pixels)

    def get_next(self) -> dict[str, Pixels] | None:
        """The input of the next pass, None at the end."""
        pixels = next(self._next, None)
        return None if pixels is None else {PIXELS_INPUT: pixels[None]}


def quantise(plain: Path, served: Path, pixels: Sequence[Pixels], config: ExportConfig) -> None:
    """Quantise the convolutions to int8 with constant scales, one per output channel.

    Constant scales make the vector of a picture independent of the others in its batch.

    Args:
        plain: The float32 graph.
        served: The file to write.
        pixels: Pictures for the ranges of activations, at least one.
        config: How to quantise.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        # without optimisation, which renames nodes: onnxruntime optimises when it opens the graph
        quant_pre_process(
            str(plain), str(prepared), skip_optimization=True, skip_symbolic_shape=True
        )
        names = [node.name for node in onnx.load(str(prepared)).graph.node]
        quantize_static(
            str(prepared),
            str(served),
            _Pictures(pixels),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_INTEGER_OPERATORS,
            nodes_to_exclude=[name for name in names if name.startswith(_FLOAT_PART)],
            per_channel=True,
            reduce_range=config.reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=_METHODS[config.calibration],
        )


def embed(session: ort.InferenceSession, pixels: Sequence[Pixels], size: int = _BATCH) -> Floats:
    """Unit vectors (n, e) of pictures, in batches.

    Args:
        session: The graph.
        pixels: Pictures, at least one.
        size: Pictures of a batch.
    """
    parts = [
        session.run([EMBEDDING_OUTPUT], {PIXELS_INPUT: np.stack(pixels[start : start + size])})[0]
        for start in range(0, len(pixels), size)
    ]
    vectors: Floats = np.concatenate(parts)
    return vectors
