"""How ONNX Runtime is set up, for serving and for measuring what serving gives."""

from pathlib import Path

import onnxruntime as ort

_SPIN_MICROSECONDS = "100"
"""Long enough to bridge the gap between two operators, too short to starve a neighbour."""
_SLOWER = ["SkipLayerNormFusion"]
"""Fused, adding and normalising takes four times as long as apart (a tenth of a pass)."""


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    """An ONNX Runtime session on the processor with that many threads a run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_MICROSECONDS)
    return ort.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER
    )
