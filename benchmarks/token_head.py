"""Adds logits of tokens to a model that has none, with random weights: enough to measure time."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from shared.runtime.spans import TOKENS_OUTPUT
from shared.schemas.manifest import FileEntry, Manifest
from shared.storage.artefacts import MANIFEST, file_sha256

_GRAPH = "model.onnx"
_HEAD_WIDTH = 256
"""As wide as the head that sagemaker_jobs.train gives a model."""


def has_token_logits(folder: Path) -> bool:
    """Whether the graph of a model folder has logits of tokens."""
    graph = onnx.load(str(folder / _GRAPH), load_external_data=False).graph
    return TOKENS_OUTPUT in {output.name for output in graph.output}


def add_token_head(source: Path, target: Path) -> Path:
    """Write a copy of a model folder whose graph has a head for tokens; returns the copy."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("evaluation"))
    manifest = Manifest.model_validate_json((source / MANIFEST).read_bytes())
    model = onnx.load(str(source / _GRAPH))
    graph = model.graph
    hidden = _last_hidden_state(graph)
    random = np.random.default_rng(0)
    for name, shape in {
        "first": (manifest.dimension, _HEAD_WIDTH),
        "second": (_HEAD_WIDTH, 3),
    }.items():
        weights = random.normal(0, 0.05, shape).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(weights, f"tokens/{name}"))
    graph.node.extend(
        [
            helper.make_node("MatMul", [hidden, "tokens/first"], ["tokens/wide"]),
            helper.make_node("Relu", ["tokens/wide"], ["tokens/positive"]),
            helper.make_node("MatMul", ["tokens/positive", "tokens/second"], [TOKENS_OUTPUT]),
        ]
    )
    output = helper.make_tensor_value_info(TOKENS_OUTPUT, TensorProto.FLOAT, None)
    graph.output.append(output)
    onnx.save(model, str(target / _GRAPH))
    path = target / _GRAPH
    entry = FileEntry(sha256=file_sha256(path), bytes=path.stat().st_size)
    changed = manifest.model_copy(update={"files": {**manifest.files, _GRAPH: entry}})
    (target / MANIFEST).write_text(changed.model_dump_json())
    return target


def _last_hidden_state(graph: onnx.GraphProto) -> str:
    """The vectors of the tokens after the last layer of the encoder."""
    norms = [
        node
        for node in graph.node
        if node.op_type == "LayerNormalization" and node.name.startswith("/encoder/")
    ]
    return str(norms[-1].output[0])
