"""Puts a correction of the logits behind a model's graph; what was there stays as it was."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sagemaker_jobs.adapt.correction import Correction
from shared.errors import ArtefactError

_LOGITS, _EMBEDDING = "logits", "embedding"


def append(source: Path, target: Path, correction: Correction) -> None:
    """Write a graph that gives ``source``'s embedding, and its logits corrected.

    The graph's own logits get another name, and three nodes make the new ones. A graph that was
    corrected before is corrected once more.

    Raises:
        ArtefactError: the source cannot be read, or lacks one of the two outputs.
    """
    try:
        model = onnx.load(str(source))
    except Exception as error:  # protobuf has several, of different bases
        raise ArtefactError(f"{source.name} cannot be read as an ONNX graph") from error
    outputs = {output.name for output in model.graph.output}
    if not {_LOGITS, _EMBEDDING} <= outputs:
        raise ArtefactError(f"{source.name} has no outputs {_EMBEDDING} and {_LOGITS}")
    prefix = _free_prefix(model)
    _rename(model.graph, _LOGITS, f"{prefix}/before")
    for name, values in _weights(correction).items():
        stored = numpy_helper.from_array(values.astype(np.float32), f"{prefix}/{name}")
        model.graph.initializer.append(stored)
    model.graph.node.extend(_nodes(prefix))
    onnx.save(model, str(target))


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

    own = [f"{prefix}/before", f"{prefix}/logits", f"{prefix}/bias"]
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
