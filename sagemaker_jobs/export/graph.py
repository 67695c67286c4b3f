"""Converts a torch module to an ONNX graph, float32 and dynamic int8."""

import logging
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from optimum.exporters.onnx.config import TextEncoderOnnxConfig
from optimum.exporters.onnx.convert import export_pytorch
from optimum.exporters.tasks import TasksManager
from optimum.utils import NormalizedTextConfig
from torch import nn
from transformers import PretrainedConfig

from shared.runtime.spans import TOKENS_OUTPUT

log = logging.getLogger("export")
OPSET = 17
INTEGER_PARTS = ("/encoder/", "/branch")
"""Nodes that become integer products: those of the encoder and of its second branch."""


class _ReviewAxes:
    """Our inputs and outputs, mixed into optimum's config of an architecture."""

    with_tokens = False

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        axes = {0: "batch", 1: "tokens"}
        return {"input_ids": axes, "attention_mask": axes}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        outputs = {"embedding": {0: "batch"}, "logits": {0: "batch"}}
        return outputs | ({TOKENS_OUTPUT: {0: "batch", 1: "tokens"}} if self.with_tokens else {})


class _AnyTextEncoder(TextEncoderOnnxConfig):
    NORMALIZED_CONFIG_CLASS = NormalizedTextConfig


def _architecture_config(model_type: str) -> type[Any]:
    """Optimum's config of an architecture, with its tracing fixes; else a generic one."""
    try:
        constructor = TasksManager.get_exporter_config_constructor(
            "onnx",
            model_type=model_type,
            task="feature-extraction",
            library_name="transformers",
        )
    except KeyError:
        log.warning(
            "optimum has no config for %s: it is traced as a generic text encoder", model_type
        )
        return _AnyTextEncoder
    architecture: type[Any] = constructor.func
    return architecture


def onnx_config(encoder: PretrainedConfig, *, with_tokens: bool = False) -> Any:
    """Optimum's export config for an encoder with our two inputs and two or three outputs."""
    bases = _ReviewAxes, _architecture_config(encoder.model_type)
    return type("ReviewOnnxConfig", bases, {"with_tokens": with_tokens})(encoder)


def export_float(model: nn.Module, path: Path) -> None:
    """Write a graph with inputs input_ids, attention_mask and outputs embedding, logits.

    A model with a head for tokens has token_logits as well.

    Batch and token axes are dynamic. optimum uses the legacy tracer: it keeps the encoder's matrix
    products as MatMul over constant weights, which dynamic quantisation needs.
    """
    encoder = model.encoder.config
    model.config = encoder  # optimum reads it from there
    config = onnx_config(encoder, with_tokens=model.tokens is not None)
    export_pytorch(model, config, OPSET, path)
    read_equal_weights_directly(path)
    onnx.checker.check_model(str(path))


def read_equal_weights_directly(path: Path) -> None:
    """Remove the Identity nodes by which the tracer stores equal weights once.

    The quantiser takes only weights that a product reads directly. Two branches have equal weights
    where one of them was not trained.
    """
    model = onnx.load(str(path))
    weights = {entry.name for entry in model.graph.initializer}
    copies = {
        node.output[0]: node
        for node in model.graph.node
        if node.op_type == "Identity" and node.input[0] in weights
    }
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name in copies:
                node.input[place] = copies[name].input[0]
    for node in copies.values():
        model.graph.node.remove(node)
    onnx.save(model, str(path))


def quantise(source: Path, target: Path, *, reduce_range: bool) -> None:
    """Quantise the encoder to dynamic int8, one scale per output channel; the rest stays float32.

    The quantiser turns a Gemm into ``<name>_MatMul`` before it applies the names to exclude.
    """
    graph = onnx.load(str(source)).graph
    excluded = [node.name for node in graph.node if not node.name.startswith(INTEGER_PARTS)]
    excluded += [f"{node.name}_MatMul" for node in graph.node if node.op_type == "Gemm"]
    quantize_dynamic(
        str(source),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=reduce_range,
        nodes_to_exclude=excluded,
    )
