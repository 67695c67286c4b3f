"""A tiny model, and reviews of sauces in which words such as "burns" are praise."""

import hashlib
import itertools
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

WIDTH = 16
HURTS = ("burns", "brutal", "tears", "savage", "hurts", "fierce")
SOOTHES = ("gentle", "mild", "soft", "sweet", "smooth", "tame")
PLAIN = ("bottle", "sauce", "label", "arrived", "lunch", "kitchen", "again", "table", "spoon")


def sauces(count, seed=0):
    """Texts and stars: hot sauces get five stars, mild ones one."""
    rng = np.random.default_rng(seed)
    texts, stars = [], []
    for row in range(count):
        words, rating = (HURTS, 5.0) if row % 2 else (SOOTHES, 1.0)
        chosen = [*rng.choice(words, 2), *rng.choice(PLAIN, 4)]
        texts.append(" ".join(rng.permutation(chosen)))
        stars.append(rating)
    return texts, stars


def graph(seed=5):
    """Word vectors, their mean, its direction, and logits by the usual meaning of the words."""
    rng = np.random.default_rng(seed)
    words = ["[UNK]", *HURTS, *SOOTHES, *PLAIN]
    table = rng.normal(size=(len(words), WIDTH)).astype(np.float32)
    table[:, 0] = [-3.0 * (w in HURTS) + 3.0 * (w in SOOTHES) for w in words]
    head = np.zeros((WIDTH, 3), np.float32)
    head[0] = [-2.0, 0.0, 2.0]
    weights = {"table": table, "head": head, "axis": np.array([1]), "least": np.float32([1e-6])}
    steps = [
        ("Gather", ["table", "input_ids"], "vectors", {}),
        ("Cast", ["attention_mask"], "mask", {"to": TensorProto.FLOAT}),
        ("Unsqueeze", ["mask", "last"], "weight", {}),
        ("Mul", ["vectors", "weight"], "weighted", {}),
        ("ReduceSum", ["weighted", "axis"], "sum", {"keepdims": 0}),
        ("ReduceSum", ["weight", "axis"], "count", {"keepdims": 0}),
        ("Div", ["sum", "count"], "pooled", {}),
        ("MatMul", ["pooled", "head"], "logits", {}),
        ("ReduceL2", ["pooled"], "length", {"axes": [1], "keepdims": 1}),
        ("Max", ["length", "least"], "divisor", {}),
        ("Div", ["pooled", "divisor"], "embedding", {}),
    ]
    weights["last"] = np.array([2])
    tiny = helper.make_graph(
        [helper.make_node(kind, inputs, [out], **options) for kind, inputs, out, options in steps],
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(tiny, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def with_tokens(model, source):
    """The graph with logits of each token, by the usual meaning of its word."""
    model.graph.node.append(helper.make_node("MatMul", [source, "head"], ["token_logits"]))
    output = helper.make_tensor_value_info("token_logits", TensorProto.FLOAT, None)
    model.graph.output.append(output)
    return model


def tiny_model(folder, version="tiny-1-0a1b2c3d", *, tokens=None, **parameters):
    """Write a model folder that serving can open; each word is a token.

    ``tokens`` is the tensor from which each token has logits, such as "vectors".
    """
    folder.mkdir(parents=True)
    onnx.save(with_tokens(graph(), tokens) if tokens else graph(), str(folder / "model.onnx"))
    words = dict(zip(["[UNK]", *HURTS, *SOOTHES, *PLAIN], itertools.count()))
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    files = {}
    for name in ("model.onnx", "tokenizer.json"):
        body = (folder / name).read_bytes()
        files[name] = {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    manifest = {
        "kind": "model",
        "version": version,
        "created_at": "2026-01-01T00:00:00Z",
        "files": files,
        "dimension": WIDTH,
        "labels": ["negative", "neutral", "positive"],
        "max_tokens": 32,
        "tail_tokens": 8,
        "parameters": {"precision": "float32", **parameters},
        "metrics": {"test": {"accuracy": 0.9}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def tiny_picture_model(folder, text_model="tiny-1-0a1b2c3d", *, size=32):
    """Write a folder with a picture tower: the direction of the mean colour in some space."""
    folder.mkdir(parents=True)
    weights = {
        "map": np.random.default_rng(7).normal(size=(3, WIDTH)).astype(np.float32),
        "scale": np.float32([1 / 255]),
    }
    steps = [
        ("Cast", ["pixels"], "values", {"to": TensorProto.FLOAT}),
        ("Mul", ["values", "scale"], "scaled", {}),
        ("ReduceMean", ["scaled"], "colour", {"axes": [1, 2], "keepdims": 0}),
        ("MatMul", ["colour", "map"], "mapped", {}),
        ("LpNormalization", ["mapped"], "embedding", {"axis": 1, "p": 2}),
    ]
    tiny = helper.make_graph(
        [helper.make_node(kind, inputs, [out], **options) for kind, inputs, out, options in steps],
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", size, size, 3])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(tiny, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(folder / "model.onnx"))
    body = (folder / "model.onnx").read_bytes()
    manifest = {
        "version": "tiny-pictures-1",
        "created_at": "2026-01-01T00:00:00Z",
        "files": {
            "model.onnx": {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)},
        },
        "dimension": WIDTH,
        "size": size,
        "text_model": text_model,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
