"""With constant scales a text has the same answer alone and in any batch."""

import json

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.export.arithmetic import products
from sagemaker_jobs.export.fuse import FUSED
from sagemaker_jobs.export.graph import export_float, quantise
from sagemaker_jobs.export.parity import ParityError, batch_difference, check_independence
from sagemaker_jobs.export.static import (
    best_grid,
    calibrate,
    grid,
    make_static,
    static_grids,
)
from sagemaker_jobs.train.model import load_model
from shared.runtime.probabilities import softmax
from shared.runtime.session import open_session
from shared.runtime.tokens import pad

LENGTHS = (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 23, 31, 33, 47, 63, 64)


def texts_of(lengths, seed=0):
    random = np.random.default_rng(seed)
    return [[2, *random.integers(5, 200, length).tolist(), 3][:length] for length in lengths]


TEXTS = texts_of(LENGTHS)


@pytest.fixture(scope="module", params=["with texts", "without texts"])
def static(request, run_dir, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    arguments = ["--run-dir", str(run_dir), "--output-dir", str(folder)]
    if request.param == "with texts":
        arguments += ["--calibration", str(data / "validation.parquet"), "--alignment-rows", "60"]
    assert export(arguments) == 0
    return folder


@pytest.fixture(scope="module")
def graphs(run_dir, tmp_path_factory):
    """A float32 graph, and what it becomes with dynamic and with constant scales."""
    folder = tmp_path_factory.mktemp("graphs")
    plain, dynamic, constant = (folder / f"{name}.onnx" for name in ("plain", "dynamic", "static"))
    export_float(load_model(run_dir), plain)
    for path in (dynamic, constant):
        quantise(plain, path, reduce_range=True)
    make_static(constant, calibrate(plain, constant, TEXTS))
    return plain, dynamic, constant


def answer(session, ids, row):
    """Embedding and probabilities of one text of a batch."""
    tokens, mask = pad(ids)
    embeddings, logits = session.run(
        ["embedding", "logits"], {"input_ids": tokens, "attention_mask": mask}
    )
    return np.concatenate([embeddings[row], softmax(logits)[row]])


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_has_the_same_answer_beside_longer_and_shorter_texts(static, length):
    session = open_session(static / "model.onnx", 1)
    (text,) = texts_of([length], seed=length)
    alone = answer(session, [text], 0)
    for lengths in ([120], [1], [length], [1, 128, 40, 9, 2, 77, 100]):
        others = texts_of(lengths, seed=99)
        np.testing.assert_allclose(answer(session, [text, *others], 0), alone, atol=1e-6)
        np.testing.assert_allclose(answer(session, [*others, text], -1), alone, atol=1e-6)


def test_the_order_and_the_number_of_threads_do_not_matter(static):
    one, two = (open_session(static / "model.onnx", threads) for threads in (1, 2))
    order = np.random.default_rng(3).permutation(len(TEXTS))
    shuffled = [TEXTS[row] for row in order]
    for place, row in enumerate(order):
        expected = answer(one, TEXTS, row)
        np.testing.assert_allclose(answer(one, shuffled, place), expected, atol=1e-6)
        np.testing.assert_allclose(answer(two, shuffled, place), expected, atol=1e-6)


def test_no_scale_is_computed_and_every_product_is_one_node(static):
    nodes = onnx.load(str(static / "model.onnx")).graph.node
    kinds = [node.op_type for node in nodes]
    assert not {"DynamicQuantizeLinear", "MatMulInteger"} & set(kinds)
    assert kinds.count(FUSED) == 12
    assert kinds.count("QuantizeLinear") == 8
    assert all(len(node.input) == 7 for node in nodes if node.op_type == FUSED), "bias included"


def test_the_manifest_records_the_difference_between_alone_and_in_a_batch(
    static, run_dir, tmp_path
):
    parameters = json.loads((static / "manifest.json").read_text())["parameters"]
    assert parameters["activations"] == "static"
    assert parameters["batch_difference"] < 1e-6
    arguments = ["--run-dir", str(run_dir), "--output-dir", str(tmp_path)]
    assert export([*arguments, "--activations", "dynamic"]) == 0
    parameters = json.loads((tmp_path / "manifest.json").read_text())["parameters"]
    assert parameters["activations"] == "dynamic"
    assert parameters["batch_difference"] > 1e-4


def test_a_graph_whose_answers_depend_on_the_batch_is_rejected(graphs):
    _, dynamic, constant = graphs
    assert check_independence(constant, TEXTS) < 1e-6 < batch_difference(dynamic, TEXTS)
    with pytest.raises(
        ParityError, match=r"depends on the batch: it differs by .*, more than 1e-04"
    ):
        check_independence(dynamic, TEXTS)


def test_constant_scales_keep_the_sums_of_the_products(graphs):
    """A product, its scales and its bias are one node with the result of the separate ones."""
    plain, dynamic, constant = graphs
    before, after = (products(onnx.load(str(path))) for path in (dynamic, constant))
    assert [product.inputs for product in before] == [product.inputs for product in after]
    grids = static_grids(onnx.load(str(constant)))
    assert grids == calibrate(plain, dynamic, TEXTS)
    wanted, got = (
        ort.InferenceSession(str(path)).run(
            ["embedding"], dict(zip(("input_ids", "attention_mask"), pad(TEXTS), strict=True))
        )[0]
        for path in (plain, constant)
    )
    assert (wanted * got).sum(1).min() > 0.99


def test_a_grid_contains_zero_and_the_ends_of_its_range():
    for low, high in ((-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)):
        tried = grid(low, high)
        values = np.array([0.0, low, high])
        assert tried.nearest(values)[0] == 0
        assert np.abs(tried.nearest(values) - values).max() <= tried.scale


def test_a_rare_large_value_is_clipped():
    values = np.random.default_rng(0).normal(size=1_000_000)
    values[0] = 40.0
    clipped = best_grid(values)
    assert clipped.nearest(np.array([40.0]))[0] < 20
    error = np.square(clipped.nearest(values) - values).mean()
    assert error < np.square(grid(values.min(), 40.0).nearest(values) - values).mean()
    assert clipped.nearest(np.array([1e9, -1e9])).max() < 20, "no overflow beyond the range"


def test_without_outliers_the_whole_range_is_kept():
    values = np.random.default_rng(0).uniform(-2, 5, 20_000)
    assert best_grid(values).scale == pytest.approx(7 / 255, rel=0.01)
