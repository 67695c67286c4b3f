"""Rounds weights to integers so that the products keep their values, not each weight its own.

Rounding to the nearest integer is best for a single weight. A product adds hundreds of them over
inputs that go together, so what one weight loses by rounding the next ones can take up: they are
rounded one input after another, and each error is spread over the inputs that are still to come, as
the covariance of real inputs says. Range and scale of the weights stay as they were.

Source: Frantar et al. 2023, GPTQ, arXiv 2210.17323.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from sagemaker_jobs.export.tap import tapped

_DAMPING = 0.01
_QUANTIZED, _SCALE = "_quantized", "_scale"

Floats = npt.NDArray[np.float64]


def compensated(
    weights: Floats, covariance: Floats, scale: Floats, limits: tuple[int, int]
) -> npt.NDArray[np.int8]:
    """Integers whose product with typical inputs is near that of the weights.

    Args:
        weights: (k, n), k inputs of n channels.
        covariance: (k, k) mean of the outer product of an input with itself.
        scale: (n,) what one step of a channel's integers is worth.
        limits: Least and largest integer.

    Returns:
        (k, n) integers.
    """
    strength = np.diag(covariance)
    order = np.argsort(-strength, kind="stable")  # what counts most is rounded first
    damped = covariance[np.ix_(order, order)]
    damped = damped + max(_DAMPING * float(strength.mean()), 1e-12) * np.eye(len(order))
    # the upper factor of the inverse: its row i says how the inputs after i make up for input i
    spread = np.linalg.cholesky(np.linalg.inv(damped)).T
    left = weights[order].astype(np.float64)
    found = np.empty(left.shape, np.int8)
    for row in range(len(left)):
        found[row] = np.round(left[row] / scale).clip(*limits)
        error = (left[row] - found[row] * scale) / spread[row, row]
        left[row + 1 :] -= np.outer(spread[row, row + 1 :], error)
    result = np.empty_like(found)
    result[order] = found
    return result


def covariances(
    model: onnx.ModelProto, names: Sequence[str], ids: Sequence[Sequence[int]]
) -> dict[str, Floats]:
    """Mean outer product of some tensors' last axis with itself, over all tokens of some texts.

    Args:
        model: The float32 graph.
        names: The tensors, (batch, tokens, k) each.
        ids: Token ids of the texts.

    Returns:
        By name (k, k).
    """
    unique = list(dict.fromkeys(names))
    session = tapped(model, unique)
    sums: dict[str, Floats] = {}
    tokens = 0
    for text in ids:  # one by one: padding is no input
        row = np.asarray([text], np.int64)
        tokens += len(text)
        values = session.run(unique, {"input_ids": row, "attention_mask": np.ones_like(row)})
        for name, value in zip(unique, values, strict=True):
            flat = value.reshape(-1, value.shape[-1])
            sums[name] = sums.get(name, 0.0) + (flat.T @ flat).astype(np.float64)
    return {name: total / max(tokens, 1) for name, total in sums.items()}


def round_weights(plain: Path, served: Path, ids: Sequence[Sequence[int]]) -> int:
    """Round the weights of a quantised graph anew, by what its products read.

    Args:
        plain: The float32 graph that the other was made from.
        served: The quantised graph, symmetric with one scale per channel; changed in place.
        ids: Token ids of a few hundred texts.

    Returns:
        How many matrices were rounded.
    """
    source, target = onnx.load(str(plain)), onnx.load(str(served))
    floats = {entry.name: entry for entry in source.graph.initializer}
    stored = {entry.name: entry for entry in target.graph.initializer}
    nodes = [
        node
        for node in source.graph.node
        if node.op_type == "MatMul" and node.input[1] + _QUANTIZED in stored
    ]
    found = covariances(source, [node.input[0] for node in nodes], ids)
    for node in nodes:
        entry = stored[node.input[1] + _QUANTIZED]
        before = numpy_helper.to_array(entry)
        integers = compensated(
            numpy_helper.to_array(floats[node.input[1]]),
            found[node.input[0]],
            numpy_helper.to_array(stored[node.input[1] + _SCALE]).astype(np.float64),
            (int(before.min()), int(before.max())),
        )
        entry.CopyFrom(numpy_helper.from_array(integers, entry.name))
    onnx.save(target, str(served))
    return len(nodes)
