"""Other encoders than MiniLM export with the same parity."""

import json

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ErnieConfig,
    ErnieModel,
    MPNetConfig,
    MPNetModel,
)

from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.export.fuse import FUSED, PLAIN
from sagemaker_jobs.export.parity import SHAPES, probe, run_graph
from sagemaker_jobs.export.smooth import input_groups
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.__main__ import main as train
from sagemaker_jobs.train.model import load_model
from shared.runtime.tokens import load_tokenizer

ENCODERS = {
    "bert": (
        BertModel,
        BertConfig(
            hidden_size=48, num_hidden_layers=3, num_attention_heads=3, intermediate_size=96,
            max_position_embeddings=128,
        ),
    ),
    "distilbert": (
        DistilBertModel,
        DistilBertConfig(
            dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=128,
        ),
    ),
    "ernie": (
        ErnieModel,
        ErnieConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=128,
        ),
    ),
    "mpnet": (
        MPNetModel,
        MPNetConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=130,
        ),
    ),
}  # fmt: skip
"""Optimum has no config for ernie; mpnet adds a bias by relative position to its attention."""


@pytest.fixture(scope="module", params=ENCODERS)
def trained(request, base, options, tmp_path_factory):
    """Kind of encoder, and the folder of a run on a tiny one of that kind."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    model, config = ENCODERS[request.param]
    config.vocab_size = json.loads((base / "config.json").read_text())["vocab_size"]
    torch.manual_seed(0)
    model(config).save_pretrained(folder, safe_serialization=True)
    arguments = ["--model-name", str(folder), "--epochs", "3", "--output-dir", str(folder / "run")]
    assert train([*options, *arguments]) == 0
    return request.param, folder / "run"


@pytest.fixture(scope="module", params=["float32", "int8", "int8 with texts"])
def exported(request, trained, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefact")
    arguments = ["--run-dir", str(trained[1]), "--output-dir", str(folder)]
    if request.param == "int8 with texts":
        arguments += ["--calibration", str(data / "validation.parquet")]
    else:
        arguments += ["--precision", request.param]
    assert export(arguments) == 0
    return request.param, folder


def test_every_encoder_returns_the_results_of_torch_at_odd_sizes(trained, exported):
    model = load_model(trained[1])
    precision, folder = exported
    session = ort.InferenceSession(str(folder / "model.onnx"))
    assert [x.name for x in session.get_inputs()] == ["input_ids", "attention_mask"]
    assert [x.name for x in session.get_outputs()] == ["embedding", "logits"]
    for shape in (*SHAPES, (7, 1), (2, 127)):
        ids, mask = probe(*shape, model.encoder.config.vocab_size)
        actual = session.run(None, {"input_ids": ids, "attention_mask": mask})
        with torch.no_grad():
            expected = model(torch.from_numpy(ids), torch.from_numpy(mask))
        if precision == "float32":
            for want, got in zip(expected, actual, strict=True):
                np.testing.assert_allclose(got, want.numpy(), atol=1e-4)
        elif precision == "int8":
            assert (actual[0] * expected[0].numpy()).sum(1).min() > 0.97
        assert actual[1].shape == (shape[0], 3)


def test_int8_predicts_the_labels_of_float32_for_real_texts(trained, exported, data):
    model = load_model(trained[1])
    texts = reviews.read_labelled(data / "test.parquet").texts
    tokenizer = load_tokenizer(exported[1] / "tokenizer.json")
    ids = reviews.tokenise(tokenizer, texts, 64, 16)
    _, logits = run_graph(exported[1] / "model.onnx", ids)
    with torch.no_grad():
        _, expected = reviews.map_batches(ids, 8, model)
    same = (logits.argmax(-1) == expected.argmax(-1)).float().mean()
    assert same >= 0.98


def test_only_the_matrix_products_of_the_encoder_are_quantised(trained, exported):
    nodes = onnx.load(str(exported[1] / "model.onnx")).graph.node
    integer = [node.name for node in nodes if node.op_type in (PLAIN, FUSED)]
    layers = {"bert": 3, "distilbert": 2, "ernie": 2, "mpnet": 2}[trained[0]]
    assert len(integer) == (0 if exported[0] == "float32" else 6 * layers)
    assert all(name.startswith("/encoder/") for name in integer)


def test_smoothing_groups_layers_by_their_input_regardless_of_names(trained):
    kind, folder = trained
    model = load_model(folder)
    layers = {"bert": 3, "distilbert": 2, "ernie": 2, "mpnet": 2}[kind]
    groups = input_groups(model, [[2, 9, 10, 3]])
    assert sorted(map(len, groups)) == [1] * 3 * layers + [3] * layers
    names = {"distilbert": ["q_lin", "k_lin", "v_lin"], "mpnet": ["q", "k", "v"]}
    shared = [[name.rpartition(".")[2] for name in group] for group in groups if len(group) == 3]
    assert shared == [names.get(kind, ["query", "key", "value"])] * layers


def test_an_encoder_without_an_optimum_config_is_logged(trained, data, tmp_path, caplog):
    arguments = ["--run-dir", str(trained[1]), "--output-dir", str(tmp_path)]
    assert export([*arguments, "--precision", "float32"]) == 0
    warned = "optimum has no config for ernie" in caplog.text
    assert warned == (trained[0] == "ernie")
    assert (
        json.loads((tmp_path / "manifest.json").read_text())["parameters"]["encoder"]
        == (trained[0])
    )
