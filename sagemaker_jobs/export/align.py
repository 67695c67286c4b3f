"""Fits the embedding projection again, on the outputs of the quantised encoder.

The projection stays float32 in the graph and comes last, so a linear map from the int8 encoder's
pooled vectors to the base encoder's embeddings undoes part of the int8 error at no cost.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from sagemaker_jobs.export.tap import session_with_tensors
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.project import fit_projection

PROJECTION = "/projection/MatMul"
_BATCH = 16


def _projection(model: onnx.ModelProto) -> tuple[str, onnx.TensorProto]:
    """Name of the projection's input, and its weights (d x d, applied as ``input @ weights``)."""
    node = next(node for node in model.graph.node if node.name == PROJECTION)
    weights = next(entry for entry in model.graph.initializer if entry.name == node.input[1])
    return node.input[0], weights


def pooled_vectors(model: onnx.ModelProto, ids: Sequence[Sequence[int]]) -> torch.Tensor:
    """Inputs of the projection, (n, d), in the order of the texts."""
    name, _ = _projection(model)
    session = session_with_tensors(model, [name])

    def pool(tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor]:
        feed = {"input_ids": tokens.numpy(), "attention_mask": mask.numpy()}
        return (torch.from_numpy(session.run([name], feed)[0]),)

    (pooled,) = reviews.map_batches(ids, _BATCH, pool)
    return pooled


def align(path: Path, ids: Sequence[Sequence[int]], target: torch.Tensor) -> float:
    """Replace the projection of a graph file by the fitted map.

    Args:
        path: The quantised graph; changed in place.
        ids: Token ids of n texts.
        target: (n, d) unit embeddings of these texts by the base encoder.

    Returns:
        Mean cosine between the new embeddings and the target.
    """
    model = onnx.load(str(path))
    pooled = pooled_vectors(model, ids)
    weights = fit_projection(pooled, target)
    _, stored = _projection(model)
    stored.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(weights.T.numpy()), stored.name))
    onnx.save(model, str(path))
    aligned = torch.nn.functional.normalize(pooled @ weights.T, dim=-1)
    return float((aligned * target).sum(-1).mean())
