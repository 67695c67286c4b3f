"""Export and evaluation: the graph returns the results of the torch module."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from sagemaker_jobs.evaluate.__main__ import main as evaluate
from sagemaker_jobs.evaluate.metrics import calibration_error, classification, recall_at
from sagemaker_jobs.evaluate.model import encode
from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.export.fuse import FUSED, PLAIN
from sagemaker_jobs.export.parity import SHAPES, ParityError, float_parity, probe
from sagemaker_jobs.export.smooth import SmoothedLinear, channel_maxima, smooth
from sagemaker_jobs.export.strength import STRENGTHS, best_strength, factors, product_error
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.model import load_model
from sagemaker_jobs.train.teacher import base_embeddings
from shared.runtime.session import open_session


@pytest.fixture(scope="module", params=["int8", "smoothed", "float32"])
def artefact(request, run_dir, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    arguments = ["--run-dir", str(run_dir), "--output-dir", str(folder)]
    if request.param == "smoothed":
        arguments += ["--calibration", str(data / "validation.parquet"), "--alignment-rows", "0"]
    else:
        arguments += ["--precision", request.param]
    assert export(arguments) == 0
    return folder


def test_every_batch_and_sequence_size_returns_unit_embeddings_and_three_logits(artefact, run_dir):
    model = load_model(run_dir)
    session = ort.InferenceSession(str(artefact / "model.onnx"))
    assert [i.name for i in session.get_inputs()] == ["input_ids", "attention_mask"]
    assert [o.name for o in session.get_outputs()] == ["embedding", "logits"]
    exact = "float32" in artefact.name
    for rows, tokens in (*SHAPES, (7, 1), (2, 127)):
        ids, mask = probe(rows, tokens, model.encoder.config.vocab_size)
        embedding, logits = session.run(None, {"input_ids": ids, "attention_mask": mask})
        assert embedding.dtype == logits.dtype == np.float32
        assert embedding.shape == (rows, 32)
        assert logits.shape == (rows, 3)
        np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-5)
        with torch.no_grad():
            expected = model(torch.from_numpy(ids), torch.from_numpy(mask))
        if exact:
            np.testing.assert_allclose(embedding, expected[0].numpy(), atol=1e-4)
            np.testing.assert_allclose(logits, expected[1].numpy(), atol=1e-4)
        else:
            assert (embedding * expected[0].numpy()).sum(1).min() > 0.97


def test_the_tables_of_the_wide_part_stay_float32(artefact):
    graph = onnx.load(str(artefact / "model.onnx")).graph
    tables = {x.name: x.data_type for x in graph.initializer if x.name.startswith("wide.")}
    assert set(tables.values()) == {onnx.TensorProto.FLOAT}


def test_the_head_and_the_projection_stay_float32(artefact):
    nodes = onnx.load(str(artefact / "model.onnx")).graph.node
    integer = [node.name for node in nodes if node.op_type in (PLAIN, FUSED)]
    assert bool(integer) == ("float32" not in artefact.name)
    assert not [name for name in integer if "/head/" in name or "/projection/" in name]
    plain = {node.name for node in nodes if node.op_type in ("MatMul", "Gemm")}
    for part in ("/projection/MatMul", "/head/head.1/", "/head/head.4/"):
        assert any(name.startswith(part) for name in plain), part


def test_padding_does_not_change_the_embedding(artefact):
    session = ort.InferenceSession(str(artefact / "model.onnx"))
    ids = np.array([[2, 9, 10, 11, 3]], np.int64)
    alone = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    longer = np.pad(ids, ((0, 0), (0, 9)))
    mask = (longer > 0).astype(np.int64)
    padded = session.run(None, {"input_ids": longer, "attention_mask": mask})
    np.testing.assert_allclose(alone[0], padded[0], atol=1e-4)


@pytest.mark.parametrize("strength", [0.8, None])
def test_smoothing_evens_out_the_activations_and_keeps_the_results(run_dir, strength):
    model, plain = load_model(run_dir), load_model(run_dir)
    rows = [[2, *range(5 + n, 25 + n), 3] for n in range(40)]
    smooth(model, rows, strength)
    smoothed = [n for n, layer in model.named_modules() if isinstance(layer, SmoothedLinear)]
    assert len(smoothed) == 12, "six in each of the two layers"
    for shape in SHAPES:
        ids, mask = map(torch.from_numpy, probe(*shape, plain.encoder.config.vocab_size))
        with torch.no_grad():
            for want, got in zip(plain(ids, mask), model(ids, mask), strict=True):
                torch.testing.assert_close(got, want, atol=1e-4, rtol=0)
    before = channel_maxima(plain, rows, smoothed)
    after = channel_maxima(model, rows, [f"{name}.linear" for name in smoothed])

    def unevenness(maxima):
        return sum((largest.max() / largest.median()).item() for largest in maxima.values())

    assert unevenness(after) < unevenness(before)


def test_the_chosen_strength_has_the_least_error_of_the_products():
    torch.manual_seed(0)
    even, weights = torch.randn(400, 32), torch.randn(16, 32)
    uneven = even * torch.cat([torch.ones(30), torch.tensor([60.0, 200.0])])

    def error(inputs, strength):
        return product_error(inputs, weights, factors(inputs.abs().amax(0), weights, strength))

    for inputs in (even, uneven):
        chosen = best_strength(inputs, weights, inputs.abs().amax(0))
        assert error(inputs, chosen) == min(error(inputs, strength) for strength in STRENGTHS)
    assert error(uneven, best_strength(uneven, weights, uneven.abs().amax(0))) < error(uneven, 0)


def test_the_manifest_lists_size_and_hash_of_each_file(artefact):
    manifest = json.loads((artefact / "manifest.json").read_text())
    for name, entry in manifest["files"].items():
        body = (artefact / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    assert manifest["version"].endswith(manifest["files"]["model.onnx"]["sha256"][:8])
    assert (manifest["max_tokens"], manifest["tail_tokens"]) == (64, 16)
    tokenizer = json.loads((artefact / "tokenizer.json").read_text())
    assert tokenizer["truncation"] is None
    assert tokenizer["padding"] is None


def test_a_graph_with_other_results_is_rejected(artefact, run_dir):
    model = load_model(run_dir)
    with torch.no_grad():
        model.projection.weight += 0.5 * torch.randn_like(model.projection.weight)
    with pytest.raises(ParityError):
        float_parity(model, artefact / "model.onnx")


def test_an_exported_model_can_be_evaluated(artefact, data, tmp_path):
    output = tmp_path / "figures.json"
    arguments = ["--model-dir", str(artefact), "--data-dir", str(data), "--splits", "test"]
    options = ["--recall-rows", "0", "--record", "true", "--output", str(output)]
    assert evaluate([*arguments, *options]) == 0
    figures = json.loads(output.read_text())["splits"]["test"]
    recorded = json.loads((artefact / "manifest.json").read_text())["metrics"]["test"]
    assert recorded == {name: figures[name] for name in recorded}
    assert figures["rows"] == 60
    assert figures["accuracy"] > 0.9


def test_metrics_of_small_cases():
    logits = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]], np.float32))
    figures = classification(logits, np.array([0, 1, 2]))
    assert figures["accuracy"] == pytest.approx(2 / 3)
    assert figures["confusion"] == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert figures["polar_accuracy"] == pytest.approx(0.5)
    probabilities = np.exp(logits)
    assert calibration_error(probabilities, np.array([0, 1, 2])) == pytest.approx(0.8 - 2 / 3)
    points = np.eye(4, dtype=np.float32)
    assert recall_at(3, points, points) == 1.0


def test_alignment_brings_embeddings_nearer_to_the_base_encoder(run_dir, data, base, tmp_path):
    shifted = tmp_path / "shifted"
    shutil.copytree(run_dir, shifted)
    weights = load_file(shifted / "model.safetensors")
    weights["projection.weight"] += 0.3 * torch.randn(weights["projection.weight"].shape)
    save_file(weights, shifted / "model.safetensors")
    texts = reviews.read_labelled(data / "test.parquet").texts
    ids = reviews.tokenise(Tokenizer.from_file(str(run_dir / "tokenizer.json")), texts, 64)
    target = base_embeddings(str(base), ids)
    cosines = {}
    for rows in (0, 240):
        folder = tmp_path / str(rows)
        arguments = ["--run-dir", str(shifted), "--output-dir", str(folder)]
        calibration = ["--calibration", str(data / "train.parquet")]
        assert export([*arguments, *calibration, "--alignment-rows", str(rows)]) == 0
        embeddings, _ = encode(open_session(folder / "model.onnx", 1), ids)
        cosines[rows] = float((embeddings * target).sum(1).mean())
    assert cosines[0] < 0.9 < cosines[240]
