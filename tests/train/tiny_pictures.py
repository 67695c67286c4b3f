"""Generated pictures (coloured shapes), a random backbone and a text encoder of word vectors."""

import csv
import hashlib
import io
import json
import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from sagemaker_jobs.pictures.backbone import new_network, save_backbone
from sagemaker_jobs.pictures.products import Product
from sagemaker_jobs.pictures.wordings import captions, prompts
from shared.schemas.sentiment import LABELS

BLOCKS = ["r1_k3_s11_e1_i32_o16", "r1_k3_s22_e2_i16_o24"]
COLOURS = {
    "Red": (220, 30, 30), "Green": (30, 160, 50), "Blue": (40, 60, 220),
    "Yellow": (230, 220, 40), "Black": (15, 15, 15), "Purple": (140, 40, 160),
}  # fmt: skip
TYPES = ("Plates", "Balls", "Tents", "Ties")
BRANDS = ("Acme", "Bolt", "Crest")
SIZE, DIMENSION = 32, 48


def draw(shape: str, colour: str, rng: random.Random) -> bytes:
    """A PNG: a square, a circle, a triangle or a bar of one colour, a little moved and scaled."""
    width, height = rng.choice(((40, 60), (60, 60)))
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    x, y, size = width // 2 + rng.randint(-3, 3), height // 2 + rng.randint(-3, 3), 15
    box = (x - size, y - size, x + size, y + size)
    fill = COLOURS[colour]
    if shape == "Plates":
        pen.rectangle(box, fill)
    elif shape == "Balls":
        pen.rectangle(box, (170, 170, 170))
        pen.ellipse(box, fill)
    elif shape == "Tents":
        pen.polygon(((x, y - size), (x - size, y + size), (x + size, y + size)), fill)
    else:
        pen.rectangle((x - 3, y - size, x + 3, y + size), fill)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def make_products(folder: Path, count: int = 400) -> None:
    """Write products.csv and images.zip."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(0)
    names = ("id", "gender", "articleType", "baseColour", "usage", "productDisplayName", "image")
    with (
        (folder / "products.csv").open("w", newline="") as stream,
        zipfile.ZipFile(folder / "images.zip", "w") as archive,
    ):
        table = csv.writer(stream)
        table.writerow(names)
        for number in range(count):
            shape, colour = rng.choice(TYPES), rng.choice(list(COLOURS))
            title = f"{rng.choice(BRANDS)} {colour} {shape}"
            table.writerow((number, "Unisex", shape, colour, "", title, f"{number}.png"))
            archive.writestr(f"{number}.png", draw(shape, colour, rng))


def make_backbone(path: Path) -> None:
    """Write a random backbone of two blocks."""
    torch.manual_seed(0)
    network = new_network(BLOCKS, SIZE)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    save_backbone(path, network, BLOCKS)


def _words() -> list[str]:
    texts = [*BRANDS]
    for shape in TYPES:
        texts += prompts(shape)
        for colour in COLOURS:
            texts += captions(Product("", "", shape, colour, "Unisex", "", ""))
    splitter = pre_tokenizers.BertPreTokenizer()
    return sorted({word for text in texts for word, _ in splitter.pre_tokenize_str(text.lower())})


def make_text_model(folder: Path) -> None:
    """Write an encoder with the files of a shipped one: unit sums of random word vectors."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {"[PAD]": 0, "[UNK]": 1}
    for word in _words():
        vocabulary.setdefault(word, len(vocabulary))
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(0).normal(size=(len(vocabulary), DIMENSION)).astype(np.float32)
    constants = {
        "table": table,
        "axis": np.array([2], np.int64),
        "head": np.zeros((DIMENSION, 3), np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["weights"]),
        helper.make_node("Mul", ["words", "weights"], ["kept"]),
        helper.make_node("ReduceMean", ["kept"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=1, p=2),
        helper.make_node("MatMul", ["embedding", "head"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes, "text",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "t"])
         for n in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["b", d])
         for n, d in (("embedding", DIMENSION), ("logits", 3))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    files = {
        name: {
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
            "bytes": (folder / name).stat().st_size,
        }
        for name in ("model.onnx", "tokenizer.json")
    }
    manifest = {
        "kind": "model", "version": "words-1", "created_at": datetime.now(UTC).isoformat(),
        "files": files, "dimension": DIMENSION, "labels": list(LABELS),
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
