"""Gives the inputs of integer products constant scales: answers do not depend on the batch.

Dynamic int8 takes the scale of an input from all values of a batch, so a text gets another answer
beside other texts. With a constant scale every token is quantised by itself, the integer sums are
exact, and padding has no weight: a text has the same answer alone and in any batch.

The range of a scale is the one with the least squared error over real texts. A value outside it is
clipped: a few rare large values would otherwise take precision from all others.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from sagemaker_jobs.export.fuse import DOMAIN, fuse_products
from sagemaker_jobs.export.tap import session_with_tensors

_DYNAMIC = "DynamicQuantizeLinear"
_STEPS = 255
_BINS = 4096
_TOKENS_PER_TEXT = 8
_KEPT = np.arange(0.3, 1.001, 0.05)
"""Shares of the largest and of the smallest value that are tried as ends of the range."""

Floats = npt.NDArray[np.floating]


class Grid(NamedTuple):
    """The 256 values that a quantised tensor can have."""

    scale: np.float32
    zero_point: np.uint8

    def nearest(self, values: Floats) -> Floats:
        """Values after quantising and dequantising."""
        steps = np.rint(values / self.scale) + self.zero_point
        result: Floats = (steps.clip(0, _STEPS) - self.zero_point) * self.scale
        return result


def grid(low: float, high: float) -> Grid:
    """The grid of a range, extended to contain zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, 1e-6) / _STEPS
    return Grid(np.float32(scale), np.uint8(round(-low / scale)))


def best_grid(values: Floats) -> Grid:
    """The grid with the least mean squared error."""
    counts, edges = np.histogram(values, _BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    low, high = min(float(edges[0]), 0.0), max(float(edges[-1]), 0.0)
    grids = [grid(low * a, high * b) for a in _KEPT for b in _KEPT]
    return min(grids, key=lambda tried: counts @ np.square(tried.nearest(centres) - centres))


def calibrate(plain: Path, served: Path, ids: Sequence[Sequence[int]]) -> dict[str, Grid]:
    """The best grid of each input of an integer product, by some tokens of each text.

    Args:
        plain: The float32 graph.
        served: The graph that was quantised from it, with dynamic int8.
        ids: Token ids of a few hundred texts, at least one.

    Returns:
        Name of the float32 tensor → its grid.
    """
    names = [
        node.input[0] for node in onnx.load(str(served)).graph.node if node.op_type == _DYNAMIC
    ]
    session = session_with_tensors(onnx.load(str(plain)), names)
    samples: dict[str, list[Floats]] = {name: [] for name in names}
    for text in ids:  # one by one: padding must not count
        tokens = np.asarray([text], np.int64)
        rows = np.linspace(0, len(text) - 1, min(len(text), _TOKENS_PER_TEXT)).astype(int)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
        for name, values in zip(names, session.run(names, feed), strict=True):
            samples[name].append(values[0][rows].ravel())
    return {name: best_grid(np.concatenate(parts)) for name, parts in samples.items()}


def make_static(served: Path, grids: Mapping[str, Grid]) -> None:
    """Replace the scales that a quantised graph computes by constants.

    Args:
        served: The graph with dynamic int8; changed in place.
        grids: The result of ``calibrate``.
    """
    model = onnx.load(str(served))
    for node in [node for node in model.graph.node if node.op_type == _DYNAMIC]:
        _, *stored = node.output
        for name, value in zip(stored, grids[node.input[0]], strict=True):
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        fixed = ("QuantizeLinear", [node.input[0], *stored], node.output[:1])
        node.CopyFrom(helper.make_node(*fixed, name=node.name))
    fuse_products(model.graph)
    if DOMAIN not in {imported.domain for imported in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    onnx.save(model, str(served))


def static_grids(model: onnx.ModelProto) -> dict[str, Grid]:
    """Name → grid of each tensor that a graph quantises by a constant scale."""
    stored = {entry.name: entry for entry in model.graph.initializer}
    return {
        node.input[0]: Grid(*(numpy_helper.to_array(stored[name])[()] for name in node.input[1:]))
        for node in model.graph.node
        if node.op_type == "QuantizeLinear"
    }
