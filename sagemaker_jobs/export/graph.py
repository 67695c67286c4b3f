"""From a torch module to an ONNX graph, float32 and dynamic int8."""

from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from sagemaker_jobs.train.model import ReviewEncoder

OPSET = 17


def export_float(model: ReviewEncoder, path: Path) -> None:
    """Write a graph with inputs input_ids, attention_mask and outputs embedding, logits.

    Batch and token axes are dynamic. The legacy tracer is used: it keeps the encoder's matrix
    products as MatMul over constant weights, which dynamic quantisation looks for.
    """
    model.eval()
    ids = torch.ones(2, 16, dtype=torch.int64)
    axes = {0: "batch", 1: "tokens"}
    with torch.no_grad():
        torch.onnx.export(
            model,
            (ids, torch.ones_like(ids)),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding", "logits"],
            dynamic_axes={
                "input_ids": axes,
                "attention_mask": axes,
                "embedding": {0: "batch"},
                "logits": {0: "batch"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(str(path))


def quantise(source: Path, target: Path, *, reduce_range: bool) -> None:
    """Dynamic int8, one scale per output channel; what is not the encoder stays float32."""
    graph = onnx.load(str(source)).graph
    parts = ("/head/", "/projection/", "/wide/")
    small = [node.name for node in graph.node if node.name.startswith(parts)]
    quantize_dynamic(
        str(source),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=reduce_range,
        nodes_to_exclude=small,
    )
