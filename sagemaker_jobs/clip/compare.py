"""Compares the graphs of a tower with the torch module, and measures how long a pass takes."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from sagemaker_jobs.clip.config import ClipConfig
from sagemaker_jobs.clip.towers import PictureTower, TextTower, export_float
from sagemaker_jobs.export.parity import TOLERANCE, ParityError
from shared.runtime.session import open_session
from shared.schemas.joint import VECTOR_OUTPUT

Floats = npt.NDArray[np.float32]
Inputs = Sequence[npt.NDArray[Any]]
"""One array (1, …) for each text or picture: a vector must not depend on others in its pass."""
_PASSES = 10


class Exported(NamedTuple):
    """Length of a tower's vectors; its precision, parities and latencies in milliseconds."""

    dimension: int
    record: dict[str, object]


def export(
    tower: TextTower | PictureTower, inputs: Inputs, path: Path, config: ClipConfig
) -> Exported:
    """Write the graph of a tower; int8 if its vectors stay close to float32.

    Args:
        tower: the tower.
        inputs: texts or pictures to compare and to measure.
        path: the file to write.
        config: the precision, and how close int8 must stay.

    Raises:
        ParityError: the float32 graph differs from torch.
    """
    export_float(tower, path)
    wanted = _torch_vectors(tower, inputs)
    plain, plain_ms = _run(path, inputs, config.threads)
    difference = float(np.abs(plain - wanted).max())
    if not difference <= TOLERANCE:  # also if it is not a number
        raise ParityError(f"the float32 graph differs from torch by {difference:.2e}")
    record: dict[str, object] = {
        "precision": "float32",
        "samples": len(inputs),
        "float32_parity": difference,
        "float32_ms": plain_ms,
    }
    exported = Exported(plain.shape[1], record)
    if config.precision == "float32":
        return exported
    small = path.with_suffix(".int8.onnx")
    _quantise(path, small)
    vectors, small_ms = _run(small, inputs, config.threads)
    cosines = (vectors * plain).sum(-1)
    mean, least = float(cosines.mean()), float(cosines.min())
    record |= {"int8_mean_cosine": mean, "int8_least_cosine": least, "int8_ms": small_ms}
    if mean >= config.min_cosine and least >= config.least_cosine:
        small.replace(path)
        record["precision"] = "int8"
    else:
        small.unlink()
    return exported


def _torch_vectors(tower: Callable[..., torch.Tensor], inputs: Inputs) -> Floats:
    with torch.no_grad():
        parts = [tower(torch.from_numpy(each)).numpy() for each in inputs]
    vectors: Floats = np.concatenate(parts)
    return vectors


def _run(path: Path, inputs: Inputs, threads: int) -> tuple[Floats, float]:
    """Vectors (n, d), and the median time of a pass in milliseconds."""
    session = open_session(path, threads)
    (name,) = (entry.name for entry in session.get_inputs())
    vectors: Floats = np.concatenate([_pass(session, name, each) for each in inputs])
    times = []
    for each in [*inputs][:_PASSES]:
        started = time.perf_counter()
        _pass(session, name, each)
        times.append((time.perf_counter() - started) * 1000)
    return vectors, round(statistics.median(times), 3)


def _pass(session: Any, name: str, value: npt.NDArray[Any]) -> Floats:
    (vectors,) = session.run([VECTOR_OUTPUT], {name: value})
    result: Floats = vectors
    return result


def _quantise(source: Path, target: Path) -> None:
    """Store weights as int8 and compute their products in it, with a scale for each output.

    Weights have 7 bits, so that sums are the same with and without VNNI.
    """
    quantize_dynamic(
        str(source),
        str(target),
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )
