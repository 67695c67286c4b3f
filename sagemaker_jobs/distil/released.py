"""Reads the parameters of a released model from its int8 graph, to continue its training."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

_PRODUCTS = frozenset({"MatMul", "MatMulInteger", "MatMulIntegerToFloat"})
_QUANTISED = "_quantized"
"""End of the name of an integer weight; its scales and zero points have the same beginning."""
_SMOOTHED = ".linear"
"""End of the name of a layer whose input the export multiplies."""

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]


def released_parameters(path: Path) -> dict[str, Tensor]:
    """Parameters of the model that a graph was exported from.

    An integer weight has the precision of its scale, and the factors of a smoothed input are part
    of the weight again.

    Args:
        path: ``model.onnx`` of a released model, with dynamic or static scales.

    Returns:
        Name of a parameter of ``ReviewEncoder`` → its values, float32.
    """
    graph = onnx.load(str(path)).graph
    stored = {entry.name: np.array(numpy_helper.to_array(entry)) for entry in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    found: dict[str, Floats] = {}
    for name in stored:
        parameter = name.removesuffix(_QUANTISED)
        if parameter.endswith((".weight", ".bias", ".single", ".pair")):
            found[parameter.replace(f"{_SMOOTHED}.", ".")] = _values(stored, name)
    for node in graph.node:
        if node.op_type in _PRODUCTS and node.input[1] in stored:  # else both are computed
            factors = _input_factors(node, producers, stored)
            found[f"{_layer(node)}.weight"] = (_values(stored, node.input[1]) * factors).T
    return {name: torch.from_numpy(np.ascontiguousarray(each)) for name, each in found.items()}


def _layer(node: onnx.NodeProto) -> str:
    """Name of the layer of a product: /head/head.1/Gemm_MatMul -> head.1."""
    *modules, _ = node.name.strip("/").split("/")
    names: list[str] = []
    for module in modules:
        if names and module.startswith(f"{names[-1]}."):
            names.pop()
        names.append(module)
    return ".".join(names).removesuffix(_SMOOTHED)


def _values(stored: dict[str, Array], name: str) -> Floats:
    """A stored tensor in float32; a weight of a product has the shape (inputs, outputs)."""
    values = stored[name].astype(np.float32)
    if not name.endswith(_QUANTISED):
        return values
    first = name.removesuffix(_QUANTISED)
    scale, zero = (stored[f"{first}{end}"] for end in ("_scale", "_zero_point"))
    result: Floats = (values - zero.astype(np.float32)) * scale.astype(np.float32)
    return result


def _input_factors(
    node: onnx.NodeProto, producers: dict[str, onnx.NodeProto], stored: dict[str, Array]
) -> Floats:
    """What the export multiplies the input of a product by: (inputs, 1), or 1 if it does not."""
    source = producers.get(node.input[0])
    while source is not None and source.op_type.endswith("QuantizeLinear"):
        source = producers.get(source.input[0])
    if source is None or source.op_type != "Mul" or ".inverse" not in "".join(source.input):
        return np.ones((1, 1), np.float32)
    (name,) = (each for each in source.input if each.endswith(".inverse"))
    return stored[name].astype(np.float32)[:, None]
