"""Checks that integer products have the same sums on processors with and without VNNI.

With VNNI, four u8 x s8 products are added in 32 bits. Without it, AVX2 and AVX-512 add two of them
by ``vpmaddubsw``, which saturates at 16 bits, before they widen. If no two products of a graph's
weights can exceed 16 bits, both return the same 32-bit sums for every input. What remains between
two kinds of processors is float32 rounding, as for any graph.

Source: onnxruntime, core/mlas/lib/x86_64/QgemmU8X8KernelAvx2.S; its issues 5849, 6004, 14642.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from sagemaker_jobs.export.fuse import FUSED, PLAIN
from sagemaker_jobs.export.parity import ParityError
from sagemaker_jobs.export.tap import session_with_tensors

MIN_INT16, MAX_INT16 = -(2**15), 2**15 - 1
MAX_INPUT = 255
_TOKENS_PER_TEXT = 8

Sums = npt.NDArray[np.int32]


class SaturationError(RuntimeError):
    """Two products can exceed 16 bits: processors without VNNI would return other results."""


class Product(NamedTuple):
    """An integer matrix product: name of its u8 input, and its weights (k, n) s8."""

    inputs: str
    weights: npt.NDArray[np.int8]


def products(model: onnx.ModelProto) -> list[Product]:
    """All integer products of a graph, in order."""
    stored = {entry.name: entry for entry in model.graph.initializer}
    return [
        Product(node.input[0], numpy_helper.to_array(stored[node.input[1]]))
        for node in model.graph.node
        if node.op_type in (PLAIN, FUSED)
    ]


def pair_bound(weights: npt.NDArray[np.int8]) -> int:
    """Largest absolute sum of any two products of one output channel, over all inputs.

    Not only adjacent rows are considered, because kernels pair rows in different ways.

    Args:
        weights: (k, n) s8.
    """
    ordered = np.sort(weights.astype(np.int32), axis=0)
    upper = ordered[-2:].clip(min=0).sum(0).max()
    lower = -ordered[:2].clip(max=0).sum(0).min()
    return MAX_INPUT * int(max(upper, lower))


def check_bound(path: Path) -> None:
    """Reject a graph whose sums depend on the processor.

    Raises:
        SaturationError: two products may exceed 16 bits.
        ParityError: the graph has no integer product.
    """
    integer_products = products(onnx.load(str(path)))
    if not integer_products:
        raise ParityError("int8: this encoder has no matrix product that can be quantised")
    bound = max(pair_bound(product.weights) for product in integer_products)
    if bound > MAX_INT16:
        message = (
            f"the sum of two products of the graph can reach {bound}, more than {MAX_INT16}:"
            " processors without VNNI would return other results (set reduce_range for 7-bit"
            " weights)"
        )
        raise SaturationError(message)


def exact_sums(values: npt.NDArray[np.uint8], weights: npt.NDArray[np.int8]) -> Sums:
    """The product (m, k) u8 by (k, n) s8 in 32 bits, as with VNNI; float64 is exact for it."""
    sums: Sums = (values.astype(np.float64) @ weights.astype(np.float64)).astype(np.int32)
    return sums


def saturating_sums(values: npt.NDArray[np.uint8], weights: npt.NDArray[np.int8]) -> Sums:
    """The same product by vpmaddubsw, vpmaddwd, vpaddd: each pair saturates at 16 bits."""
    left, right = values.astype(np.int32), weights.astype(np.int32)
    total = np.zeros((len(left), right.shape[1]), np.int32)
    for row in range(0, len(right), 2):
        pair = np.multiply.outer(left[:, row], right[row])
        if row + 1 < len(right):
            pair += np.multiply.outer(left[:, row + 1], right[row + 1])
        total += pair.clip(MIN_INT16, MAX_INT16, out=pair)
    return total


def product_inputs(
    model: onnx.ModelProto, integer_products: Sequence[Product], ids: Sequence[Sequence[int]]
) -> dict[str, npt.NDArray[np.uint8]]:
    """Inputs of the products for real texts: name → (m, k) u8, some tokens of each text."""
    names = list(dict.fromkeys(product.inputs for product in integer_products))
    session = session_with_tensors(model, names)
    inputs: dict[str, list[npt.NDArray[np.uint8]]] = {name: [] for name in names}
    for text in ids:
        tokens = np.asarray([text], np.int64)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
        rows = np.linspace(0, len(text) - 1, min(len(text), _TOKENS_PER_TEXT)).astype(int)
        for name, values in zip(names, session.run(names, feed), strict=True):
            inputs[name].append(values[0][rows])
    return {name: np.concatenate(parts) for name, parts in inputs.items()}


def compare(path: Path, ids: Sequence[Sequence[int]]) -> dict[str, int]:
    """Compare exact and saturating sums on real inputs of a quantised graph.

    Args:
        path: The graph; it has integer products.
        ids: Token ids of the sample's texts, at least one.

    Returns:
        ``pair_bound``; ``sample_rows``, the tokens used; ``accumulators``, the sums compared;
        ``differing``, those that saturate; ``largest_difference`` among them.
    """
    model = onnx.load(str(path))
    integer_products = products(model)
    inputs = product_inputs(model, integer_products, ids)
    accumulators = differing = largest = 0
    for product in integer_products:
        values = inputs[product.inputs]
        gap = exact_sums(values, product.weights) - saturating_sums(values, product.weights)
        accumulators += gap.size
        differing += int(np.count_nonzero(gap))
        largest = max(largest, int(np.abs(gap).max()))
    return {
        "pair_bound": max(pair_bound(product.weights) for product in integer_products),
        "products": len(integer_products),
        "sample_rows": max(len(values) for values in inputs.values()),
        "accumulators": accumulators,
        "differing": differing,
        "largest_difference": largest,
    }


def report(served: Path, wide: Path, ids: Sequence[Sequence[int]]) -> dict[str, object]:
    """The manifest's entry on integer arithmetic.

    Args:
        served: The exported graph.
        wide: The same graph with 8-bit weights, for comparison.
        ids: Token ids of the sample's texts, at least one.

    Raises:
        SaturationError: a sum of the exported graph saturates.
    """
    comparison = compare(served, ids)
    if comparison["differing"]:
        message = f"{comparison['differing']} sums of the exported graph saturate without VNNI"
        raise SaturationError(message)
    return {
        "vnni": "exact",
        "without_vnni": "exact",
        **comparison,
        "with_8_bit_weights": compare(wide, ids),
    }
