"""Rounds weights to integers so that matrix products keep their values.

Rounding to the nearest integer is best for a single weight. A product adds hundreds of them over
correlated inputs, so the rounding error of one weight can be compensated by the others: weights are
rounded input by input, and each error is distributed over the remaining inputs by the covariance of
real inputs. Range and scale of the weights stay the same.

Source: Frantar et al. 2023, GPTQ, arXiv 2210.17323.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from sagemaker_jobs.export.static import Grid, static_grids
from sagemaker_jobs.export.tap import session_with_tensors

_DAMPING = 0.01
_QUANTIZED, _SCALE = "_quantized", "_scale"

Floats = npt.NDArray[np.float64]


def round_compensated(
    weights: Floats, covariance: Floats, scale: Floats, limits: tuple[int, int]
) -> npt.NDArray[np.int8]:
    """Round weights so that their product with typical inputs changes little.

    Args:
        weights: (k, n): k inputs of n channels.
        covariance: (k, k) mean outer product of an input with itself.
        scale: (n,) weight per integer step of a channel.
        limits: Smallest and largest integer.

    Returns:
        (k, n) integers.
    """
    strength = np.diag(covariance)
    order = np.argsort(-strength, kind="stable")  # the strongest inputs are rounded first
    damped = covariance[np.ix_(order, order)]
    damped = damped + max(_DAMPING * float(strength.mean()), 1e-12) * np.eye(len(order))
    # the upper factor of the inverse: row i holds how later inputs compensate an error of input i
    spread = np.linalg.cholesky(np.linalg.inv(damped)).T
    remaining = weights[order].astype(np.float64)
    rounded = np.empty(remaining.shape, np.int8)
    for row in range(len(remaining)):
        rounded[row] = np.round(remaining[row] / scale).clip(*limits)
        error = (remaining[row] - rounded[row] * scale) / spread[row, row]
        remaining[row + 1 :] -= np.outer(spread[row, row + 1 :], error)
    result = np.empty_like(rounded)
    result[order] = rounded
    return result


def covariances(
    model: onnx.ModelProto,
    names: Sequence[str],
    ids: Sequence[Sequence[int]],
    grids: Mapping[str, Grid],
) -> dict[str, Floats]:
    """Mean outer product of each tensor's last axis with itself, over all tokens of the texts.

    Args:
        model: The float32 graph.
        names: The tensors, (batch, tokens, k) each.
        ids: Token ids of the texts.
        grids: Name → the grid that the tensor is quantised by; others keep their float32 values.

    Returns:
        Name → (k, k).
    """
    unique = list(dict.fromkeys(names))
    session = session_with_tensors(model, unique)
    sums: dict[str, Floats] = {}
    tokens = 0
    for text in ids:  # one by one: padding must not count
        row = np.asarray([text], np.int64)
        tokens += len(text)
        values = session.run(unique, {"input_ids": row, "attention_mask": np.ones_like(row)})
        for name, value in zip(unique, values, strict=True):
            flat = value.reshape(-1, value.shape[-1])
            flat = grids[name].nearest(flat) if name in grids else flat
            sums[name] = sums.get(name, 0.0) + (flat.T @ flat).astype(np.float64)
    return {name: total / max(tokens, 1) for name, total in sums.items()}


def round_weights(plain: Path, served: Path, ids: Sequence[Sequence[int]]) -> int:
    """Round the weights of a quantised graph again, by the inputs of its products.

    Args:
        plain: The float32 graph that it was quantised from.
        served: The quantised graph, symmetric with one scale per channel; changed in place.
        ids: Token ids of a few hundred texts.

    Returns:
        The number of rounded matrices.
    """
    source, target = onnx.load(str(plain)), onnx.load(str(served))
    floats = {entry.name: entry for entry in source.graph.initializer}
    stored = {entry.name: entry for entry in target.graph.initializer}
    nodes = [
        node
        for node in source.graph.node
        if node.op_type == "MatMul" and node.input[1] + _QUANTIZED in stored
    ]
    names = [node.input[0] for node in nodes]
    input_covariances = covariances(source, names, ids, static_grids(target))
    for node in nodes:
        entry = stored[node.input[1] + _QUANTIZED]
        before = numpy_helper.to_array(entry)
        integers = round_compensated(
            numpy_helper.to_array(floats[node.input[1]]),
            input_covariances[node.input[0]],
            numpy_helper.to_array(stored[node.input[1] + _SCALE]).astype(np.float64),
            (int(before.min()), int(before.max())),
        )
        entry.CopyFrom(numpy_helper.from_array(integers, entry.name))
    onnx.save(target, str(served))
    return len(nodes)
