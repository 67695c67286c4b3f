"""Both towers of a checkpoint give the vectors of transformers, in a model of the registry."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, CLIPModel, SiglipModel

from sagemaker_jobs.clip import samples
from sagemaker_jobs.clip.__main__ import main
from shared.pictures.prepare import prepare
from shared.runtime.session import open_session
from shared.schemas.joint import PICTURE_TOWER, TEXT_TOKENIZER, TEXT_TOWER, VECTOR_OUTPUT
from shared.schemas.manifest import FileEntry, Manifest
from tests.train import tiny_clip

TEXTS = ("the red shoe", "A LOVELY kettle, broke!", "", "photo of a cup " * 20, "naïve 🙂 ½")
CHECKPOINTS = {
    "clip": (tiny_clip.clip, {}),
    "clip-of-openai": (tiny_clip.clip, {"old_eos": True, "projection": 40, "length": 12}),
    "clip-wide": (tiny_clip.clip, {"image": 28, "patch": 14, "width": 64, "projection": 16}),
    "siglip": (tiny_clip.siglip, {}),
    "siglip-long": (tiny_clip.siglip, {"image": 24, "patch": 6, "width": 32, "length": 64}),
}


@pytest.fixture(scope="module")
def sentiment(tmp_path_factory):
    """The folder of a model; its graph is not opened."""
    folder = tmp_path_factory.mktemp("sentiment")
    for name in ("model.onnx", "tokenizer.json"):
        (folder / name).write_bytes(name.encode())
    manifest = Manifest(
        kind="model", version="reviews-1", created_at=datetime(2026, 1, 1, tzinfo=UTC),
        files={"model.onnx": FileEntry(sha256="0" * 64, bytes=1)}, dimension=384,
        labels=["negative", "neutral", "positive"], max_tokens=256, tail_tokens=64,
        parameters={"base_cosine": 0.99, "decisions": {"review": {"neutral_factor": 1.5}}},
        metrics={"test": {"accuracy": 0.9, "recall_at_10": 0.5}},
    )  # fmt: skip
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


@pytest.fixture(scope="module", params=CHECKPOINTS)
def checkpoint(request, tmp_path_factory):
    make, options = CHECKPOINTS[request.param]
    return make(tmp_path_factory.mktemp("checkpoints") / request.param, **options)


@pytest.fixture(scope="module", params=["float32", "int8"])
def exported(request, checkpoint, sentiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    arguments = ["--source", str(checkpoint), "--sentiment-dir", str(sentiment)]
    arguments += ["--output-dir", str(folder), "--precision", request.param, "--threads", "1"]
    assert main(arguments) == 0
    return folder


def opened(checkpoint):
    kind = json.loads((checkpoint / "config.json").read_text())["model_type"]
    return kind, (CLIPModel if kind == "clip" else SiglipModel).from_pretrained(checkpoint).eval()


def manifest_of(folder):
    return Manifest.model_validate_json((folder / "manifest.json").read_bytes())


def run(folder, tower, value):
    session = open_session(folder / tower, 1)
    (entry,) = session.get_inputs()
    return session.run([VECTOR_OUTPUT], {entry.name: value})[0]


def check(folder, tower, actual, expected):
    """Vectors have unit length and are those of torch; int8's are near."""
    expected = torch.nn.functional.normalize(expected, dim=-1).numpy()
    assert actual.shape == expected.shape == (len(actual), manifest_of(folder).dimension)
    record = manifest_of(folder).parameters["towers"][tower]
    if record["precision"] == "float32":
        np.testing.assert_allclose(actual, expected, atol=1e-4)
    else:
        assert (actual * expected).sum(-1).min() > 0.97


def test_texts_have_the_vectors_of_transformers(checkpoint, exported):
    kind, model = opened(checkpoint)
    limit = model.config.text_config.max_position_embeddings
    padding = "max_length" if kind == "siglip" else True
    wanted = AutoTokenizer.from_pretrained(checkpoint)(
        list(TEXTS), padding=padding, truncation=True, max_length=limit, return_tensors="pt"
    )
    if kind == "siglip":
        wanted.pop("attention_mask", None)  # it reads its padding
    wanted.pop("token_type_ids", None)
    with torch.no_grad():
        expected = model.get_text_features(**wanted)
    tokenizer = Tokenizer.from_file(str(exported / TEXT_TOKENIZER))
    ids = [np.array([tokenizer.encode(text).ids]) for text in TEXTS]
    actual = np.concatenate([run(exported, TEXT_TOWER, each) for each in ids])
    check(exported, "text", actual, expected)


def test_pictures_have_the_vectors_of_transformers(checkpoint, exported):
    _, model = opened(checkpoint)
    joint = manifest_of(exported).joint
    pixels = np.stack([prepare(each, joint.picture) for each in samples.pictures()])
    with torch.no_grad():
        expected = model.get_image_features(pixel_values=torch.from_numpy(pixels))
    actual = np.concatenate([run(exported, PICTURE_TOWER, each[None]) for each in pixels])
    check(exported, "picture", actual, expected)


def test_the_manifest_has_the_rules_of_the_sentiments_and_what_was_measured(
    checkpoint, exported, sentiment
):
    manifest = manifest_of(exported)
    assert manifest.version.startswith(f"{checkpoint.name}-")
    assert (manifest.joint.source, manifest.joint.sentiment) == (checkpoint.name, "reviews-1")
    assert manifest.decisions == manifest_of(sentiment).decisions
    assert (manifest.max_tokens, manifest.tail_tokens) == (256, 64)
    # what the encoder's manifest says of its vectors does not count for these
    assert "base_cosine" not in manifest.parameters
    assert manifest.metrics == {"test": {"accuracy": 0.9}}
    for record in manifest.parameters["towers"].values():
        assert record["float32_parity"] < 1e-4
        assert record["float32_ms"] > 0
    for name, entry in manifest.files.items():
        assert (exported / name).stat().st_size == entry.bytes


def test_the_same_checkpoint_gives_the_same_version(sentiment, tmp_path):
    source = tiny_clip.clip(tmp_path / "same")
    arguments = ["--source", str(source), "--sentiment-dir", str(sentiment), "--output-dir"]
    for name in ("one", "two"):
        assert main([*arguments, str(tmp_path / name)]) == 0
    assert manifest_of(tmp_path / "one").version == manifest_of(tmp_path / "two").version


def test_a_checkpoint_with_weights_of_pickle_is_read_without_running_them(sentiment, tmp_path):
    source = tiny_clip.clip(tmp_path / "old")
    model = CLIPModel.from_pretrained(source)
    (source / "model.safetensors").unlink()
    torch.save(model.state_dict(), source / "pytorch_model.bin")
    arguments = ["--source", str(source), "--sentiment-dir", str(sentiment)]
    assert main([*arguments, "--output-dir", str(tmp_path / "model")]) == 0


class Trap:
    """An object whose unpickling creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_with_code_is_refused_and_not_run(sentiment, tmp_path, capfd):
    source, trace = tiny_clip.clip(tmp_path / "hostile"), tmp_path / "trace"
    (source / "model.safetensors").unlink()
    torch.save({"text_projection.weight": Trap(trace)}, source / "pytorch_model.bin")
    arguments = ["--source", str(source), "--sentiment-dir", str(sentiment)]
    assert main([*arguments, "--output-dir", str(tmp_path / "model")]) == 2
    assert "its weights cannot be read" in capfd.readouterr().err
    assert not trace.exists()


def without(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def with_field(file, part, field, value):
    def change(folder):
        content = json.loads((folder / file).read_text())
        (content[part] if part else content)[field] = value
        (folder / file).write_text(json.dumps(content))

    return change


def cut_off(folder):
    body = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(body[:-100])


CONFIG, PICTURES = "config.json", "preprocessor_config.json"
DAMAGES = {
    "weights": (without("model.safetensors"), "no weights: model*.safetensors or pytorch_model*"),
    "cut-off": (cut_off, "its weights cannot be read"),
    "tokenizer": (
        without("vocab.json", "merges.txt", "tokenizer.json"),
        "there is no tokenizer.json, and no vocab.json and no merges.txt",
    ),
    "preparation": (without(PICTURES), "preprocessor_config.json is missing"),
    "another": (
        with_field(CONFIG, None, "model_type", "siglip2"),
        "model_type is 'siglip2', but only clip and siglip can be imported",
    ),
    "wider": (
        with_field(CONFIG, "text_config", "hidden_size", 40),
        "tensors have another shape than config.json asks for",
    ),
    "part": (with_field(CONFIG, None, "vision_config", "x"), "vision_config must be an object"),
    "size": (
        with_field(CONFIG, "vision_config", "patch_size", 0),
        "vision_config.patch_size is 0; allowed are whole numbers from 1",
    ),
    "activation": (
        with_field(CONFIG, "text_config", "hidden_act", "x"),
        "text_config.hidden_act is 'x'; allowed are gelu,",
    ),
    "heads": (
        with_field(CONFIG, "text_config", "num_attention_heads", 7),
        "config.json cannot be used: embed_dim must be divisible by num_heads",
    ),
    "end": (
        with_field(CONFIG, "text_config", "eos_token_id", 5),
        "ends texts with 519, but text_config.eos_token_id in config.json is 5",
    ),
    "mean": (with_field(PICTURES, None, "image_mean", [0.5]), "image_mean: Field required"),
}


@pytest.mark.parametrize(("change", "message"), DAMAGES.values(), ids=DAMAGES)
def test_what_cannot_be_imported_is_refused_with_the_reason(
    sentiment, tmp_path, capfd, change, message
):
    source = tiny_clip.clip(tmp_path / "damaged")
    change(source)
    arguments = ["--source", str(source), "--sentiment-dir", str(sentiment)]
    assert main([*arguments, "--output-dir", str(tmp_path / "model")]) == 2
    assert message in capfd.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "model" / "manifest.json").exists()


def test_int8_is_not_used_where_its_vectors_differ(sentiment, tmp_path):
    source = tiny_clip.clip(tmp_path / "strict")
    arguments = ["--source", str(source), "--sentiment-dir", str(sentiment)]
    arguments += ["--output-dir", str(tmp_path / "model"), "--least-cosine", "1"]
    assert main(arguments) == 0
    towers = manifest_of(tmp_path / "model").parameters["towers"]
    assert {record["precision"] for record in towers.values()} == {"float32"}
    assert all(record["int8_least_cosine"] < 1 for record in towers.values())
    assert not list((tmp_path / "model").glob("*.int8.onnx"))
