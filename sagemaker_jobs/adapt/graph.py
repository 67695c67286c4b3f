"""Appends a correction of the logits to a model's graph; the other nodes stay the same."""

import re
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sagemaker_jobs.adapt.correction import Correction
from shared.errors import ArtefactError

_LOGITS, _EMBEDDING, _BEFORE = "logits", "embedding", "before"
_OWN_NAME = re.compile(r"adapt\d+/")


def append_correction(source: Path, target: Path, correction: Correction) -> None:
    """Write a graph with the embedding of ``source`` and corrected logits.

    The original logits are renamed, and three nodes compute the new ones. A graph that already has
    a correction gets another one.

    Raises:
        ArtefactError: the source cannot be read, or lacks one of the two outputs.
    """
    model = _load(source)
    outputs = {output.name for output in model.graph.output}
    if not {_LOGITS, _EMBEDDING} <= outputs:
        raise ArtefactError(f"{source.name} has no outputs {_EMBEDDING} and {_LOGITS}")
    prefix = _free_prefix(model)
    _rename(model.graph, _LOGITS, f"{prefix}/{_BEFORE}")
    for name, values in _weights(correction).items():
        stored = numpy_helper.from_array(values.astype(np.float32), f"{prefix}/{name}")
        model.graph.initializer.append(stored)
    model.graph.node.extend(_nodes(prefix))
    onnx.save(model, str(target))


def correction_graph(source: Path) -> bytes | None:
    """All corrections of a graph as a separate graph.

    Its inputs are ``before``, the logits (n, classes) of the original model (up to a constant per
    text), and ``embedding`` (n, d); its output is ``logits`` (n, classes).

    Returns:
        The serialised graph; None if the graph has no correction.

    Raises:
        ArtefactError: the source cannot be read.
    """
    model = _load(source)
    nodes = [node for node in model.graph.node if _OWN_NAME.match(node.name)]
    if not nodes:
        return None
    weights = [stored for stored in model.graph.initializer if _OWN_NAME.match(stored.name)]
    shapes = {_BEFORE: ["n", "classes"], _EMBEDDING: ["n", "d"], _LOGITS: ["n", "classes"]}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    }
    inputs = [values[_BEFORE], values[_EMBEDDING]]
    graph = helper.make_graph(nodes, "corrections", inputs, [values[_LOGITS]], weights)
    _rename(graph, f"adapt1/{_BEFORE}", _BEFORE)
    separate = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    body: bytes = separate.SerializeToString()
    return body


def _load(source: Path) -> onnx.ModelProto:
    try:
        return onnx.load(str(source))
    except Exception as error:  # protobuf raises several types without a common base
        raise ArtefactError(f"{source.name} cannot be read as an ONNX graph") from error


def _weights(correction: Correction) -> dict[str, np.ndarray]:
    """Weights of the nodes: centring and the addition of the logits are folded into one matrix."""
    classes = len(correction.bias)
    centring = np.eye(classes) - 1 / classes
    return {
        "logits": np.eye(classes) + centring @ correction.logits,
        "bias": correction.bias,
        "embedding": correction.embedding,
    }


def _nodes(prefix: str) -> list[onnx.NodeProto]:
    def node(kind: str, inputs: list[str], output: str, name: str) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [output], name=f"{prefix}/{name}")

    own = [f"{prefix}/{_BEFORE}", f"{prefix}/logits", f"{prefix}/bias"]
    return [
        node("Gemm", own, f"{prefix}/own", "Gemm"),
        node("MatMul", [_EMBEDDING, f"{prefix}/embedding"], f"{prefix}/shift", "MatMul"),
        node("Add", [f"{prefix}/own", f"{prefix}/shift"], _LOGITS, "Add"),
    ]


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new


def _free_prefix(model: onnx.ModelProto) -> str:
    used = {name.split("/")[0] for node in model.graph.node for name in node.output}
    number = 1
    while f"adapt{number}" in used:
        number += 1
    return f"adapt{number}"
