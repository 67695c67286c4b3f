"""The picture tower as one ONNX graph: float32 by torch's tracer, then weights in int8."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from sagemaker_jobs.pictures.backbone import Backbone
from sagemaker_jobs.pictures.projection import Projection
from shared.schemas.picture_manifest import EMBEDDING_OUTPUT, PIXELS_INPUT

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
OPSET = 17
_PRODUCTS = {"Conv", "Gemm"}
_LARGEST, _LEAST_SCALE = 127, 1e-12
_LEAST_WEIGHTS = 20_000
"""Products with fewer stay float32: 3% of the weights, and most of the error."""
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


def export_float(module: nn.Module, size: int, path: Path, output: str = EMBEDDING_OUTPUT) -> None:
    """Write the float32 graph with a dynamic batch axis; batch norms become part of products.

    The legacy tracer folds them, as in the export of text encoders.

    Args:
        module: Takes pixels (n, size, size, 3), in evaluation mode.
        size: Width and height of the pictures.
        path: The file to write.
        output: Name of its result.
    """
    torch.onnx.export(
        module,
        (torch.zeros(2, size, size, 3, dtype=torch.uint8),),
        str(path),
        input_names=[PIXELS_INPUT],
        output_names=[output],
        dynamic_axes={PIXELS_INPUT: {0: "batch"}, output: {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(str(path))


def store_weights_as_int8(plain: Path, served: Path) -> None:
    """Store the weights of the large products as int8, with a scale for each output channel.

    What is computed stays float32: no range of activations limits it, and a vector depends neither
    on the others in its batch nor on the instructions of the processor.

    Args:
        plain: The float32 graph.
        served: The file to write.
    """
    model = onnx.load(str(plain))
    # weights of both are output channels x others (the exporter writes Gemm with transB)
    names = {node.input[1] for node in model.graph.node if node.op_type in _PRODUCTS}
    for tensor in list(model.graph.initializer):
        weights = numpy_helper.to_array(tensor)
        if tensor.name not in names or weights.size < _LEAST_WEIGHTS:
            continue
        shape = (-1, *[1] * (weights.ndim - 1))
        largest = np.abs(weights.reshape(len(weights), -1)).max(1)
        scales = np.maximum(largest / _LARGEST, _LEAST_SCALE).astype(np.float32)
        parts = {
            f"{tensor.name}_int8": np.rint(weights / scales.reshape(shape)).astype(np.int8),
            f"{tensor.name}_scale": scales,
            f"{tensor.name}_zero": np.zeros(len(scales), np.int8),
        }
        model.graph.initializer.remove(tensor)
        model.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in parts.items())
        restored = onnx.helper.make_node("DequantizeLinear", list(parts), [tensor.name], axis=0)
        model.graph.node.insert(0, restored)
    onnx.checker.check_model(model)
    onnx.save(model, str(served))


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
