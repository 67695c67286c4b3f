"""ONNX Runtime sessions, configured alike for serving and for evaluation."""

from pathlib import Path

import onnxruntime as ort

_SPIN_MICROSECONDS = "100"
"""Long enough for the gap between two operators, too short to starve other processes."""
_DISABLED_OPTIMIZERS = ["SkipLayerNormFusion"]
"""The fused operator takes four times as long as the separate ones (a tenth of a pass)."""


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    """Open an ONNX Runtime session on the CPU with this many threads per run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_MICROSECONDS)
    return ort.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=_DISABLED_OPTIMIZERS,
    )
