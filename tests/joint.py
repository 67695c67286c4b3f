"""A tiny model with a joint space: a colour's name and a picture of it have the same vector."""

import hashlib
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from tests.sauces import tiny_model

VERSION = "tiny-joint-1"
COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}
LENGTH = 6
"""Words that the text tower reads."""
_SIDE = 8


def joint_model(folder, version=VERSION, **parameters):
    """Write a model folder with the encoder of tests.sauces and towers of three numbers."""
    tiny_model(folder, version)
    _save(folder / "text.onnx", "input_ids", TensorProto.INT64, ["batch", "tokens"], _text())
    shape = ["batch", 3, _SIDE, _SIDE]
    _save(folder / "picture.onnx", "pixel_values", TensorProto.FLOAT, shape, _picture())
    words = {"[UNK]": 0, **{name: i + 1 for i, name in enumerate(COLOURS)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_id=0)
    tokenizer.save(str(folder / "text_tokenizer.json"))
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("text.onnx", "picture.onnx", "text_tokenizer.json"):
        body = (folder / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    manifest |= {"format": 2, "dimension": 3, "parameters": parameters}
    manifest["joint"] = {
        "source": "tiny", "sentiment": "tiny-1-0a1b2c3d",
        "picture": {
            "shortest_side": _SIDE, "crop": [_SIDE, _SIDE], "resample": 3, "scale": 1 / 255,
            "mean": [0, 0, 0], "deviation": [1, 1, 1],
        },
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _text():
    """The mean of the colours that a text names; of none, white."""
    table = np.float32([[0.01, 0.01, 0.01], *np.eye(3)])
    steps = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("ReduceMean", ["vectors"], ["mean"], axes=[1], keepdims=0),
    ]
    return steps, [numpy_helper.from_array(table, "table")]


def _picture():
    """The mean colour of a picture."""
    mean = helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0)
    return [mean], []


def _save(path, name, kind, shape, parts):
    steps, weights = parts
    unit = helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=1, p=2)
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 3])
    source = helper.make_tensor_value_info(name, kind, shape)
    graph = helper.make_graph([*steps, unit], "tiny", [source], [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))
