"""Fits the embedding projection once more, on what the quantised encoder really gives.

The projection stays float32 in the graph and comes last, so a linear map from the int8 encoder's
pooled vectors to the base encoder's embeddings takes back part of what int8 moved, at no cost.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from sagemaker_jobs.export.tap import tapped
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.project import fit_projection

PROJECTION = "/projection/MatMul"
_BATCH = 16


def _projection(model: onnx.ModelProto) -> tuple[str, onnx.TensorProto]:
    """Name of the projection's input, and its weights (d x d, read as ``input @ weights``)."""
    node = next(node for node in model.graph.node if node.name == PROJECTION)
    weights = next(entry for entry in model.graph.initializer if entry.name == node.input[1])
    return node.input[0], weights


def pooled_of(model: onnx.ModelProto, ids: Sequence[Sequence[int]]) -> torch.Tensor:
    """What the graph hands to its projection, (n, d), in the order of the texts."""
    name, _ = _projection(model)
    session = tapped(model, [name])

    def answer(tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor]:
        feed = {"input_ids": tokens.numpy(), "attention_mask": mask.numpy()}
        return (torch.from_numpy(session.run([name], feed)[0]),)

    (pooled,) = reviews.over_batches(ids, _BATCH, answer)
    return pooled


def align(path: Path, ids: Sequence[Sequence[int]], target: torch.Tensor) -> float:
    """Put the fitted map into a graph file whose projection is float32.

    Args:
        path: The quantised graph; changed in place.
        ids: Token ids of n texts.
        target: (n, d) unit embeddings of the base encoder for them.

    Returns:
        Mean cosine of the graph's embeddings to the target afterwards.
    """
    model = onnx.load(str(path))
    pooled = pooled_of(model, ids)
    weights = fit_projection(pooled, target)
    _, stored = _projection(model)
    stored.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(weights.T.numpy()), stored.name))
    onnx.save(model, str(path))
    found = torch.nn.functional.normalize(pooled @ weights.T, dim=-1)
    return float((found * target).sum(-1).mean())
