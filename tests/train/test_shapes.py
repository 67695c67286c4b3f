"""Students with two branches and teachers are saved, loaded, trained, judged and exported."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import MPNetConfig, MPNetModel

from sagemaker_jobs.distil.__main__ import main as distil
from sagemaker_jobs.distil.model import group_stars, new_student
from sagemaker_jobs.distil.predict import load_run, load_teacher
from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.export.fuse import FUSED
from sagemaker_jobs.export.parity import probe, run_graph
from sagemaker_jobs.train.branched import BranchedEncoder
from sagemaker_jobs.train.data import tokenise
from sagemaker_jobs.train.model import load_model, save_model
from shared.runtime.tokens import load_tokenizer
from shared.schemas.manifest import Manifest
from shared.schemas.sentiment import LABELS
from tests.train.tiny import sentences

SHAPES = {"joint": [], "shared-1": ["--shared-layers", "1"], "separate": ["--shared-layers", "0"]}
LIMITS = ["--max-tokens", "64", "--tail-tokens", "16", "--device", "cpu"]


@pytest.fixture(scope="module")
def labelled(base, data, tmp_path_factory):
    """A teacher on an MPNet encoder, and its labels of the training texts."""
    torch.set_num_threads(1)  # more make such small products slower
    folder = tmp_path_factory.mktemp("labelled")
    shutil.copyfile(base / "tokenizer.json", folder / "tokenizer.json")
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=json.loads((base / "config.json").read_text())["vocab_size"],
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=130,
    )  # fmt: skip
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder, safe_serialization=True)
    learn(data, "teach", folder / "teacher", "--model-name", str(folder), "--epochs", "6")
    arguments = ["--teacher-dir", str(folder / "teacher"), "--data-dir", str(data)]
    assert distil(["label", *arguments, "--output-dir", str(folder / "labels"), *LIMITS]) == 0
    return folder


def learn(data, step, output, *options):
    rates = ["--tokens-per-batch", "512", "--learning-rate", "3e-3", "--head-learning-rate", "3e-3"]
    folders = ["--data-dir", str(data), "--output-dir", str(output)]
    assert distil([step, *folders, *LIMITS, *rates, *options]) == 0
    return output


def exported(run, data, output, *options):
    calibration = ["--calibration", str(data / "validation.parquet"), "--alignment-rows", "60"]
    arguments = ["--run-dir", str(run), "--output-dir", str(output), *calibration, *options]
    assert export(arguments) == 0
    return json.loads((output / "manifest.json").read_text())


def accuracy(folder, texts, labels):
    """The share of texts that an exported graph labels right."""
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    _, logits, *_ = run_graph(folder / "model.onnx", tokenise(tokenizer, texts, 64, 16))
    right = [LABELS[row] == label for row, label in zip(logits.argmax(1), labels, strict=True)]
    return np.mean(right)


@pytest.fixture(scope="module", params=[*SHAPES, "mpnet"])
def student(request, base, labelled, data, tmp_path_factory):
    """Its kind and the folder of the run."""
    options = ["--model-name", str(base), *SHAPES.get(request.param, [])]
    if request.param == "mpnet":
        options = ["--model-name", str(labelled), "--layers", "[0, 3]", "--embeds", "false"]
    folder = tmp_path_factory.mktemp(request.param) / "run"
    labels = ["--labels", str(labelled / "labels"), "--epochs", "12"]
    return request.param, learn(data, "learn", folder, *labels, *options)


@pytest.fixture(scope="module")
def artefact(student, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefact")
    return folder, exported(student[1], data, folder)


def test_a_student_is_loaded_in_its_shape(student):
    kind, folder = student
    model = load_model(folder)
    assert isinstance(model, BranchedEncoder) == (kind in ("shared-1", "separate"))
    config = json.loads((folder / "config.json").read_text())
    expected = {"shared-1": 1, "separate": 0}.get(kind)
    assert config.get("shared_layers") == expected
    assert not any(name.startswith("wide.") for name in model.state_dict())


def test_a_branched_student_keeps_the_embedding_of_the_base_encoder(student, base):
    kind, folder = student
    ids, mask = map(torch.from_numpy, probe(3, 20, 200))
    before = new_student(base, None, None).eval()
    with torch.no_grad():
        trained, unchanged = load_model(folder)(ids, mask), before(ids, mask)
    if kind in ("shared-1", "separate"):
        torch.testing.assert_close(trained[0], unchanged[0])
    assert trained[1].shape == (3, 3)
    assert trained[2].shape == (3, 20, 3)


def test_the_int8_graph_of_every_shape_answers_like_its_float32_model(student, artefact, data):
    (kind, run), (folder, manifest) = student, artefact
    assert Manifest.model_validate(manifest).embeds == (kind != "mpnet")
    assert accuracy(folder, *zip(*sentences(20, 2), strict=True)) > 0.9
    assert manifest["parameters"]["agreement"]["same_label"] >= 0.97
    assert manifest["parameters"]["agreement"]["same_token_label"] >= 0.97
    assert manifest["parameters"]["batch_difference"] < 1e-5
    assert manifest["parameters"]["arithmetic"]["differing"] == 0
    model = load_model(run)
    nodes = onnx.load(str(folder / "model.onnx")).graph.node
    layers = len(model.encoder.encoder.layer) + len(getattr(model, "branch", []))
    assert [node.op_type for node in nodes].count(FUSED) == 6 * layers


def test_a_student_is_judged_in_its_shape(student, data, tmp_path):
    folders = ["--data-dir", str(data), "--output-dir", str(tmp_path)]
    options = ["--model-dir", str(student[1]), "--splits", '["test"]']
    assert distil(["judge", *folders, *LIMITS, *options]) == 0
    figures = json.loads((tmp_path / "judge.json").read_text())
    assert figures["test"]["texts"]["accuracy"] > 0.9


def test_an_untrained_branch_is_quantised_as_well(base, data, tmp_path):
    save_model(new_student(base, None, 1), base, tmp_path)
    (tmp_path / "run.json").write_text('{"parameters": {}}')
    exported(tmp_path, data, tmp_path / "artefact", "--alignment-rows", "0")
    nodes = onnx.load(str(tmp_path / "artefact" / "model.onnx")).graph.node
    assert [node.op_type for node in nodes].count(FUSED) == 6 * 3


def test_a_student_that_was_trained_elsewhere_needs_its_trained_parameters(
    student, base, labelled, data, tmp_path
):
    kind, run = student
    if kind == "mpnet":
        options = ["--model-name", str(labelled), "--layers", "[0, 3]", "--embeds", "false"]
    else:
        options = ["--model-name", str(base), *SHAPES[kind]]
    frozen = ("branch.", "encoder.embeddings.", "encoder.encoder.layer.0.")
    whole = load_file(run / "model.safetensors")
    trained = {k: v for k, v in whole.items() if kind != "shared-1" or not k.startswith(frozen)}
    if kind == "separate":
        trained = {k: v for k, v in whole.items() if not k.startswith(frozen[:2])}
    save_file(trained, tmp_path / "trained.safetensors")
    options += ["--labels", str(labelled / "labels"), "--weights"]
    learn(data, "learn", tmp_path / "run", *options, str(tmp_path / "trained.safetensors"))
    loaded = load_file(tmp_path / "run" / "model.safetensors")
    assert loaded.keys() == whole.keys()
    assert all(torch.equal(loaded[name], whole[name]) for name in whole)
    del trained["head.4.bias"]
    save_file(trained, tmp_path / "partial.safetensors")
    with pytest.raises(ValueError, match=r"has not the parameter head\.4\.bias"):
        learn(data, "learn", tmp_path / "run", *options, str(tmp_path / "partial.safetensors"))


def test_a_shape_that_the_encoder_does_not_have_is_refused(base, labelled):
    with pytest.raises(ValueError, match="shared_layers: must be null or less than"):
        new_student(base, None, 2)
    with pytest.raises(ValueError, match="this one is mpnet and has 4"):
        new_student(labelled, None, 1)


def test_a_teacher_is_exported_with_the_outputs_of_a_student(labelled, data, tmp_path):
    manifest = exported(labelled / "teacher", data, tmp_path, "--family", "teacher")
    assert manifest["version"].startswith("teacher-")
    assert manifest["embeds"] is False
    assert manifest["parameters"]["agreement"]["same_token_label"] >= 0.97
    assert accuracy(tmp_path, *zip(*sentences(20, 2), strict=True)) > 0.9


def test_a_served_teacher_reads_one_sentence_both_ways_and_several_as_a_review(labelled):
    teacher, served = load_teacher(labelled / "teacher"), load_run(labelled / "teacher")
    end = 60
    served._ends = torch.tensor([end])
    ids = torch.tensor([[2, 40, 41, end, 3, 0], [2, 40, end, 41, end, 3], [2, 3, 0, 0, 0, 0]])
    mask = (ids != 0).long()
    with torch.no_grad():
        output, (_, logits, tokens) = teacher(ids, mask), served(ids, mask)
    review, sentence = group_stars(output.stars).exp(), output.sentence.softmax(-1)
    expected = torch.stack(
        [(review[0] + sentence[0]) / 2, review[1], (review[2] + sentence[2]) / 2]
    )
    torch.testing.assert_close(logits.softmax(-1), expected)
    torch.testing.assert_close(tokens, output.tokens)
