"""int8 on processors with and without VNNI: one graph, the same sums, or no artefact."""

import json

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.export.arithmetic import (
    SaturationError,
    check_bound,
    exact_sums,
    inputs_of,
    pair_bound,
    products,
    saturating_sums,
)
from sagemaker_jobs.export.graph import export_float, quantise
from sagemaker_jobs.export.parity import ParityError
from sagemaker_jobs.train.model import load_model

INT16 = 2**15 - 1


@pytest.fixture(scope="module")
def artefact(run_dir, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    arguments = ["--run-dir", str(run_dir), "--output-dir", str(folder)]
    assert export([*arguments, "--calibration", str(data / "train.parquet")]) == 0
    return folder


@pytest.fixture(scope="module")
def eight_bit(run_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("eight")
    export_float(load_model(run_dir), folder / "float32.onnx")
    quantise(folder / "float32.onnx", folder / "model.onnx", reduce_range=False)
    return folder


def test_a_pair_that_saturates_by_hand():
    values = np.array([[255, 255, 10], [1, 2, 3]], np.uint8)
    weights = np.array([[127, -128], [127, -128], [5, -5]], np.int8)
    assert exact_sums(values, weights).tolist() == [[64820, -65330], [396, -399]]
    assert saturating_sums(values, weights).tolist() == [[32767 + 50, -32768 - 50], [396, -399]]
    assert pair_bound(weights) == 255 * 256
    assert pair_bound(weights // 2) == 255 * 128 < INT16


def test_the_bound_holds_for_any_two_rows_and_no_tighter():
    random = np.random.default_rng(3)
    for _ in range(20):
        weights = random.integers(-128, 128, (9, 4)).astype(np.int8)
        pairs = [
            abs(255 * np.clip(sign * weights[[i, j]].astype(int), 0, None).sum(0)).max()
            for i in range(9)
            for j in range(i)
            for sign in (1, -1)
        ]
        assert pair_bound(weights) == max(pairs)


def test_no_pair_of_the_graph_that_ships_leaves_16_bits(artefact):
    found = products(onnx.load(str(artefact / "model.onnx")))
    assert len(found) == 12
    assert max(int(np.abs(x.weights.astype(int)).max()) for x in found) == 64
    assert max(pair_bound(product.weights) for product in found) == 32_640


def test_both_ways_of_adding_give_the_same_sums_over_real_inputs(artefact, eight_bit):
    ids = [[2, *range(20, 60), 3], [2, 44, 3]]
    differing = {}
    for folder in (artefact, eight_bit):
        model = onnx.load(str(folder / "model.onnx"))
        found = products(model)
        inputs = inputs_of(model, found, ids)
        differing[folder] = sum(
            int((exact_sums(x, y) != saturating_sums(x, y)).sum())
            for x, y in ((inputs[product.inputs], product.weights) for product in found)
        )
    assert differing[artefact] == 0
    assert differing[eight_bit] > 0


def test_the_exact_sums_are_those_of_onnx_runtime(artefact):
    """Zero points are taken off the sums afterwards; here they are 0."""
    model = onnx.load(str(artefact / "model.onnx"))
    product = products(model)[0]
    values = inputs_of(model, [product], [[2, *range(20, 40), 3]])[product.inputs]
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    graph = helper.make_graph(
        [node],
        "one product",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, list(values.shape))],
        [helper.make_tensor_value_info("c", TensorProto.INT32, None)],
        [numpy_helper.from_array(product.weights, "b")],
    )
    single = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(single.SerializeToString())
    found = session.run(None, {"a": values})[0]
    np.testing.assert_array_equal(found, exact_sums(values, product.weights))
    np.testing.assert_array_equal(found, saturating_sums(values, product.weights))


def test_weights_of_8_bits_are_refused_and_the_message_says_what_helps(run_dir, tmp_path):
    arguments = ["--run-dir", str(run_dir), "--output-dir", str(tmp_path)]
    with pytest.raises(SaturationError, match=r"without VNNI would answer .* \(reduce_range"):
        export([*arguments, "--reduce-range", "false"])
    assert not (tmp_path / "model.onnx").exists()


def test_a_graph_without_integer_products_is_no_int8(eight_bit):
    with pytest.raises(ParityError, match="no matrix product"):
        check_bound(eight_bit / "float32.onnx")


def test_the_manifest_says_what_holds_on_both_paths(artefact):
    parameters = json.loads((artefact / "manifest.json").read_text())["parameters"]
    found = parameters["arithmetic"]
    assert found["vnni"] == found["without_vnni"] == "exact"
    assert (found["pair_bound"], found["differing"], found["products"]) == (32_640, 0, 12)
    weights = products(onnx.load(str(artefact / "model.onnx")))
    columns = sum(product.weights.shape[1] for product in weights)
    assert found["accumulators"] == found["sample_rows"] * columns
    wide = found["with_8_bit_weights"]
    assert wide["pair_bound"] > INT16
    assert 0 < wide["differing"] < wide["accumulators"]
    assert wide["largest_difference"] > 0
    agreement = parameters["agreement"]
    assert agreement["texts"] == 240
    assert agreement["same_label"] >= 0.98
    assert agreement["mean_cosine"] > 0.9
