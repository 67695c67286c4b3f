"""A model with a head for tokens exports a third output; others keep two."""

import json
import shutil

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from sagemaker_jobs.evaluate.__main__ import main as evaluate
from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.export.parity import SHAPES, probe, run_graph
from sagemaker_jobs.train.model import load_model, new_model, save_model
from shared.runtime.probabilities import softmax
from shared.runtime.session import open_session
from shared.runtime.tokens import load_tokenizer, pad
from shared.schemas.sentiment import LABELS


@pytest.fixture(scope="module")
def token_run(run_dir, base, tmp_path_factory):
    """The finished run with a head for tokens, which is not trained."""
    folder = tmp_path_factory.mktemp("tokens") / "run"
    shutil.copytree(run_dir, folder)
    torch.manual_seed(0)
    model = new_model(base, with_tokens=True)
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    save_model(model, base, folder)
    return folder


@pytest.fixture(scope="module", params=["float32", "int8", "int8 with texts"])
def artefact(request, token_run, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefact")
    arguments = ["--run-dir", str(token_run), "--output-dir", str(folder)]
    if request.param == "int8 with texts":
        arguments += ["--calibration", str(data / "validation.parquet"), "--alignment-rows", "60"]
    else:
        arguments += ["--precision", request.param]
    assert export(arguments) == 0
    return request.param, folder


def test_a_run_without_the_head_has_two_outputs(run_dir, token_run):
    ids, mask = map(torch.from_numpy, probe(2, 9, 100))
    assert load_model(run_dir).tokens is None
    assert len(load_model(run_dir)(ids, mask)) == 2
    assert len(load_model(token_run)(ids, mask)) == 3


def test_every_token_has_the_logits_of_torch(artefact, token_run):
    precision, folder = artefact
    model = load_model(token_run)
    session = open_session(folder / "model.onnx", 1)
    assert [x.name for x in session.get_outputs()] == ["embedding", "logits", "token_logits"]
    for shape in (*SHAPES, (7, 1), (2, 127)):
        ids, mask = probe(*shape, model.encoder.config.vocab_size)
        logits = session.run(["token_logits"], {"input_ids": ids, "attention_mask": mask})[0]
        with torch.no_grad():
            expected = model(torch.from_numpy(ids), torch.from_numpy(mask))[2].numpy()
        assert logits.shape == expected.shape == (*shape, 3)
        gap = np.abs(logits - expected)[mask == 1]
        assert gap.max() < (1e-4 if precision == "float32" else 0.3)


def test_the_head_for_tokens_can_be_left_out(token_run, tmp_path):
    outputs = {}
    for tokens in ("true", "false"):
        arguments = ["--run-dir", str(token_run), "--output-dir", str(tmp_path / tokens)]
        assert export([*arguments, "--precision", "float32", "--tokens", tokens]) == 0
        session = open_session(tmp_path / tokens / "model.onnx", 1)
        ids, mask = probe(2, 9, 100)
        values = session.run(None, {"input_ids": ids, "attention_mask": mask})
        outputs[tokens] = dict(zip((x.name for x in session.get_outputs()), values, strict=True))
    assert set(outputs["false"]) == {"embedding", "logits"}
    for name, values in outputs["false"].items():
        np.testing.assert_array_equal(values, outputs["true"][name])


def test_the_head_for_tokens_stays_float32(artefact):
    nodes = onnx.load(str(artefact[1] / "model.onnx")).graph.node
    products = [x.op_type for x in nodes if x.name.startswith("/tokens/") and "MatMul" in x.op_type]
    assert products == ["MatMul", "MatMul"]


def test_the_tokens_of_a_text_do_not_depend_on_its_batch(artefact):
    session = open_session(artefact[1] / "model.onnx", 1)

    def token_logits(texts):
        ids, mask = pad(texts)
        feed = {"input_ids": ids, "attention_mask": mask}
        (logits,) = session.run(["token_logits"], feed)
        return [row[: len(text)] for row, text in zip(logits, texts, strict=True)]

    texts = [[2, *range(9, 9 + length), 3] for length in (1, 5, 40, 90, 17)]
    for text, together in zip(texts, token_logits(texts), strict=True):
        np.testing.assert_allclose(together, token_logits([text])[0], atol=1e-5)


def test_the_agreement_counts_the_tokens(artefact):
    precision, folder = artefact
    parameters = json.loads((folder / "manifest.json").read_text())["parameters"]
    assert len(run_graph(folder / "model.onnx", [[2, 9, 3], [2, 3]])) == 3
    if precision == "int8 with texts":
        assert parameters["agreement"]["same_token_label"] >= 0.95
        assert parameters["batch_difference"] < 1e-5


def test_labelled_spans_are_evaluated_by_the_logits_of_their_tokens(artefact, tmp_path):
    _, folder = artefact
    text = "the lamp was sturdy and the desk was broken"
    spans = json.dumps([[0, 19, "positive"], [24, len(text), "negative"]])
    columns = {"text": [text, "the tent was okay"], "sentiment": ["neutral", "neutral"]}
    columns |= {"source": ["terms"] * 2, "kind": ["sentence"] * 2, "spans": [spans, None]}
    pq.write_table(pa.table(columns), tmp_path / "terms.parquet")
    output = tmp_path / "evaluation.json"
    arguments = ["--model-dir", str(folder), "--data-dir", str(tmp_path), "--splits", "terms"]
    arguments += ["--output", str(output), "--recall-rows", "0", "--latency-runs", "0"]
    assert evaluate(arguments) == 0
    rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert [(row["split"], row["label"], row["source"], row["kind"]) for row in rows] == [
        *[("terms", "neutral", "terms", "sentence")] * 2,
        ("terms:spans", "positive", "terms", "sentence"),
        ("terms:spans", "negative", "terms", "sentence"),
    ]
    encoding = load_tokenizer(folder / "tokenizer.json").encode(text)
    feed = dict(zip(("input_ids", "attention_mask"), pad([encoding.ids]), strict=True))
    (logits,) = open_session(folder / "model.onnx", 1).run(["token_logits"], feed)
    starts, ends = np.array(encoding.offsets).T
    for row, inside in ((rows[2], (ends > 0) & (ends <= 19)), (rows[3], starts >= 24)):
        expected = softmax(logits[0][inside].mean(0))
        assert [row[f"p_{label}"] for label in LABELS] == pytest.approx(expected, abs=1e-4)
    assert set(json.loads(output.read_text())["splits"]) == {"terms", "terms:spans"}
