"""Puts a correction of the logits behind a model's graph; what was there stays as it was."""

import re
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sagemaker_jobs.adapt.correction import Correction
from shared.errors import ArtefactError

_LOGITS, _EMBEDDING, _BEFORE = "logits", "embedding", "before"
_OURS = re.compile(r"adapt\d+/")


def append(source: Path, target: Path, correction: Correction) -> None:
    """Write a graph that gives ``source``'s embedding, and its logits corrected.

    The graph's own logits get another name, and three nodes make the new ones. A graph that was
    corrected before is corrected once more.

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


def corrections(source: Path) -> bytes | None:
    """All corrections of a graph as a graph of their own, without what they were put behind.

    Its inputs are ``before``, the logits (n, classes) of the first model (up to a constant for each
    text), and ``embedding`` (n, d); its output is ``logits`` (n, classes).

    Returns:
        The serialised graph; None where nothing was appended to this one.

    Raises:
        ArtefactError: the source cannot be read.
    """
    model = _load(source)
    nodes = [node for node in model.graph.node if _OURS.match(node.name)]
    if not nodes:
        return None
    weights = [stored for stored in model.graph.initializer if _OURS.match(stored.name)]
    shapes = {_BEFORE: ["n", "classes"], _EMBEDDING: ["n", "d"], _LOGITS: ["n", "classes"]}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    }
    inputs = [values[_BEFORE], values[_EMBEDDING]]
    graph = helper.make_graph(nodes, "corrections", inputs, [values[_LOGITS]], weights)
    _rename(graph, f"adapt1/{_BEFORE}", _BEFORE)
    cut = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    body: bytes = cut.SerializeToString()
    return body


def _load(source: Path) -> onnx.ModelProto:
    try:
        return onnx.load(str(source))
    except Exception as error:  # protobuf has several, of different bases
        raise ArtefactError(f"{source.name} cannot be read as an ONNX graph") from error


def _weights(correction: Correction) -> dict[str, np.ndarray]:
    """The correction as the graph holds it: centring and adding go into one matrix."""
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
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new


def _free_prefix(model: onnx.ModelProto) -> str:
    taken = {name.split("/")[0] for node in model.graph.node for name in node.output}
    number = 1
    while f"adapt{number}" in taken:
        number += 1
    return f"adapt{number}"
