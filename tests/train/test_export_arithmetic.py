"""int8 returns the same sums with and without VNNI, or the export fails."""

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
    pair_bound,
    product_inputs,
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


def test_sums_of_a_pair_that_saturates():
    values = np.array([[255, 255, 10], [1, 2, 3]], np.uint8)
    weights = np.array([[127, -128], [127, -128], [5, -5]], np.int8)
    assert exact_sums(values, weights).tolist() == [[64820, -65330], [396, -399]]
    assert saturating_sums(values, weights).tolist() == [[32767 + 50, -32768 - 50], [396, -399]]
    assert pair_bound(weights) == 255 * 256
    assert pair_bound(weights // 2) == 255 * 128 < INT16


def test_the_bound_is_the_maximum_over_any_two_rows():
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


def test_no_pair_of_the_exported_graph_exceeds_16_bits(artefact):
    integer_products = products(onnx.load(str(artefact / "model.onnx")))
    assert len(integer_products) == 12
    assert max(int(np.abs(x.weights.astype(int)).max()) for x in integer_products) == 64
    assert max(pair_bound(product.weights) for product in integer_products) == 32_640


def test_exact_and_saturating_sums_of_real_inputs_are_equal(artefact, eight_bit):
    ids = [[2, *range(20, 60), 3], [2, 44, 3]]
    differing = {}
    for folder in (artefact, eight_bit):
        model = onnx.load(str(folder / "model.onnx"))
        integer_products = products(model)
        inputs = product_inputs(model, integer_products, ids)
        differing[folder] = sum(
            int((exact_sums(x, y) != saturating_sums(x, y)).sum())
            for x, y in ((inputs[product.inputs], product.weights) for product in integer_products)
        )
    assert differing[artefact] == 0
    assert differing[eight_bit] > 0


def test_the_exact_sums_equal_those_of_onnx_runtime(artefact):
    """Zero points are subtracted from the sums; here they are 0."""
    model = onnx.load(str(artefact / "model.onnx"))
    product = products(model)[0]
    values = product_inputs(model, [product], [[2, *range(20, 40), 3]])[product.inputs]
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
    sums = session.run(None, {"a": values})[0]
    np.testing.assert_array_equal(sums, exact_sums(values, product.weights))
    np.testing.assert_array_equal(sums, saturating_sums(values, product.weights))


def test_8_bit_weights_are_rejected_with_advice(run_dir, tmp_path):
    arguments = ["--run-dir", str(run_dir), "--output-dir", str(tmp_path)]
    with pytest.raises(SaturationError, match=r"without VNNI would return .* \(set reduce_range"):
        export([*arguments, "--reduce-range", "false"])
    assert not (tmp_path / "model.onnx").exists()


def test_a_graph_without_integer_products_is_rejected(eight_bit):
    with pytest.raises(ParityError, match="no matrix product"):
        check_bound(eight_bit / "float32.onnx")


def test_the_manifest_compares_exact_and_saturating_sums(artefact):
    parameters = json.loads((artefact / "manifest.json").read_text())["parameters"]
    arithmetic = parameters["arithmetic"]
    assert arithmetic["vnni"] == arithmetic["without_vnni"] == "exact"
    assert (arithmetic["pair_bound"], arithmetic["differing"], arithmetic["products"]) == (
        32_640,
        0,
        12,
    )
    weights = products(onnx.load(str(artefact / "model.onnx")))
    columns = sum(product.weights.shape[1] for product in weights)
    assert arithmetic["accumulators"] == arithmetic["sample_rows"] * columns
    wide = arithmetic["with_8_bit_weights"]
    assert wide["pair_bound"] > INT16
    assert 0 < wide["differing"] < wide["accumulators"]
    assert wide["largest_difference"] > 0
    agreement = parameters["agreement"]
    assert agreement["texts"] == 240
    assert agreement["same_label"] >= 0.98
    assert agreement["mean_cosine"] > 0.9
