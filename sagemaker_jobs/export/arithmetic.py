"""Integer products with and without VNNI: the same sums, or a refusal.

With VNNI four u8 x s8 products are added in 32 bits. Without, AVX2 and AVX-512 add two of them by
``vpmaddubsw``, which saturates at 16 bits, before they widen. Where no two products of a graph's
weights can leave 16 bits, both give the same 32-bit sums for the same input, whatever it is. What
is left between two kinds of processors is how float32 rounds, as for any graph.

Source: onnxruntime, core/mlas/lib/x86_64/QgemmU8X8KernelAvx2.S; its issues 5849, 6004, 14642.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from sagemaker_jobs.export.parity import ParityError
from sagemaker_jobs.export.tap import tapped

LOWEST, HIGHEST = -(2**15), 2**15 - 1
LARGEST_INPUT = 255
_ROWS = 8

Sums = npt.NDArray[np.int32]


class SaturationError(RuntimeError):
    """Two products can leave 16 bits: processors without VNNI would answer differently."""


class Product(NamedTuple):
    """An integer matrix product: name of its u8 input, and its weights (k, n) s8."""

    inputs: str
    weights: npt.NDArray[np.int8]


def products(model: onnx.ModelProto) -> list[Product]:
    """All MatMulInteger nodes of a graph, in its order."""
    stored = {entry.name: entry for entry in model.graph.initializer}
    return [
        Product(node.input[0], numpy_helper.to_array(stored[node.input[1]]))
        for node in model.graph.node
        if node.op_type == "MatMulInteger"
    ]


def pair_bound(weights: npt.NDArray[np.int8]) -> int:
    """Largest size of the sum of any two products of one output channel, whatever the input.

    Any two, not neighbours alone: a kernel may pair the rows as it likes.

    Args:
        weights: (k, n) s8.
    """
    ordered = np.sort(weights.astype(np.int32), axis=0)
    upper = ordered[-2:].clip(min=0).sum(0).max()
    lower = -ordered[:2].clip(max=0).sum(0).min()
    return LARGEST_INPUT * int(max(upper, lower))


def check_bound(path: Path) -> None:
    """Let no graph pass whose sums depend on the processor.

    Raises:
        SaturationError: two products may not fit 16 bits.
        ParityError: the graph has no integer product at all.
    """
    found = products(onnx.load(str(path)))
    if not found:
        raise ParityError("int8 found no matrix product in this encoder that it can quantise")
    bound = max(pair_bound(product.weights) for product in found)
    if bound > HIGHEST:
        msg = (
            f"two products of the graph add up to {bound}, more than {HIGHEST}: processors without "
            "VNNI would answer differently (reduce_range keeps the weights to 7 bits)"
        )
        raise SaturationError(msg)


def exact_sums(values: npt.NDArray[np.uint8], weights: npt.NDArray[np.int8]) -> Sums:
    """(m, k) u8 by (k, n) s8 in 32 bits, as VNNI adds. float64 holds such sums exactly."""
    sums: Sums = (values.astype(np.float64) @ weights.astype(np.float64)).astype(np.int32)
    return sums


def saturating_sums(values: npt.NDArray[np.uint8], weights: npt.NDArray[np.int8]) -> Sums:
    """The same product as vpmaddubsw, vpmaddwd, vpaddd give it: each pair is cut to 16 bits."""
    left, right = values.astype(np.int32), weights.astype(np.int32)
    total = np.zeros((len(left), right.shape[1]), np.int32)
    for row in range(0, len(right), 2):
        pair = np.multiply.outer(left[:, row], right[row])
        if row + 1 < len(right):
            pair += np.multiply.outer(left[:, row + 1], right[row + 1])
        total += pair.clip(LOWEST, HIGHEST, out=pair)
    return total


def inputs_of(
    model: onnx.ModelProto, found: Sequence[Product], ids: Sequence[Sequence[int]]
) -> dict[str, npt.NDArray[np.uint8]]:
    """What the products really read: by name (m, k) u8, a few tokens of each text."""
    names = list(dict.fromkeys(product.inputs for product in found))
    session = tapped(model, names)
    taken: dict[str, list[npt.NDArray[np.uint8]]] = {name: [] for name in names}
    for text in ids:
        tokens = np.asarray([text], np.int64)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
        rows = np.linspace(0, len(text) - 1, min(len(text), _ROWS)).astype(int)
        for name, values in zip(names, session.run(names, feed), strict=True):
            taken[name].append(values[0][rows])
    return {name: np.concatenate(parts) for name, parts in taken.items()}


def compare(path: Path, ids: Sequence[Sequence[int]]) -> dict[str, int]:
    """Both ways of adding over real inputs of a quantised graph.

    Args:
        path: The graph; it has integer products.
        ids: Token ids of the sample's texts, at least one.

    Returns:
        ``pair_bound``; ``sample_rows``, the tokens looked at; ``accumulators``, the sums compared;
        ``differing``, those that saturate; ``largest_difference`` among them.
    """
    model = onnx.load(str(path))
    found = products(model)
    inputs = inputs_of(model, found, ids)
    accumulators = differing = largest = 0
    for product in found:
        values = inputs[product.inputs]
        gap = exact_sums(values, product.weights) - saturating_sums(values, product.weights)
        accumulators += gap.size
        differing += int(np.count_nonzero(gap))
        largest = max(largest, int(np.abs(gap).max()))
    return {
        "pair_bound": max(pair_bound(product.weights) for product in found),
        "products": len(found),
        "sample_rows": max(len(values) for values in inputs.values()),
        "accumulators": accumulators,
        "differing": differing,
        "largest_difference": largest,
    }


def report(served: Path, wide: Path, ids: Sequence[Sequence[int]]) -> dict[str, object]:
    """What the manifest says of the arithmetic.

    Args:
        served: The graph that ships.
        wide: The same one with weights of 8 bits, for comparison.
        ids: Token ids of the sample's texts, at least one.

    Raises:
        SaturationError: a sum of the graph that ships differs between the two ways.
    """
    found = compare(served, ids)
    if found["differing"]:
        msg = f"{found['differing']} sums of the graph that ships saturate without VNNI"
        raise SaturationError(msg)
    return {
        "vnni": "exact",
        "without_vnni": "exact",
        **found,
        "with_8_bit_weights": compare(wide, ids),
    }
