"""Weights are rounded so that matrix products keep their values."""

import json

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.export.arithmetic import MAX_INT16, pair_bound, products
from sagemaker_jobs.export.graph import export_float, quantise
from sagemaker_jobs.export.rounding import covariances, round_compensated, round_weights
from sagemaker_jobs.train.model import load_model

TEXTS = [[2, 9, 10, 11, 3], [2, 30, 31, 32, 33, 34, 3], [2, 50, 51, 3]] * 8


def _correlated(random, rows, inputs):
    """Correlated inputs, like those of an encoder's layer."""
    return random.normal(size=(rows, 4)) @ random.normal(size=(4, inputs)) + 0.1 * random.normal(
        size=(rows, inputs)
    )


@given(seed=st.integers(0, 1000), inputs=st.integers(8, 40))
def test_products_of_correlated_inputs_lose_less_than_by_rounding_to_nearest(seed, inputs):
    random = np.random.default_rng(seed)
    read = _correlated(random, 400, inputs)
    weights = random.normal(size=(inputs, 16))
    scale = np.abs(weights).max(0) / 8  # few steps, for large rounding errors
    rounded = round_compensated(weights, read.T @ read / len(read), scale, (-8, 8))
    nearest = np.round(weights / scale).clip(-8, 8)
    error = np.square(read @ (rounded * scale - weights)).mean()
    assert error < np.square(read @ (nearest * scale - weights)).mean()
    assert rounded.min() >= -8
    assert rounded.max() <= 8


def test_weights_of_uncorrelated_inputs_are_rounded_to_nearest():
    weights = np.random.default_rng(0).normal(size=(12, 5))
    scale = np.abs(weights).max(0) / 64
    rounded = round_compensated(weights, np.eye(12), scale, (-64, 64))
    assert (rounded == np.round(weights / scale)).all()


def test_an_input_that_is_always_zero_is_accepted():
    weights = np.ones((3, 2))
    covariance = np.diag([1.0, 0.0, 2.0])
    assert (round_compensated(weights, covariance, np.full(2, 0.5), (-64, 64)) == 2).all()


@pytest.fixture(scope="module")
def graphs(run_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rounding")
    export_float(load_model(run_dir), folder / "plain.onnx")
    for name in ("nearest.onnx", "rounded.onnx"):
        quantise(folder / "plain.onnx", folder / name, reduce_range=True)
    count = round_weights(folder / "plain.onnx", folder / "rounded.onnx", TEXTS)
    return folder, count


def test_every_integer_matrix_of_the_graph_loses_less_on_its_inputs(graphs):
    folder, count = graphs
    plain = onnx.load(str(folder / "plain.onnx"))
    floats = {entry.name: numpy_helper.to_array(entry) for entry in plain.graph.initializer}
    read = {node.input[1]: node.input[0] for node in plain.graph.node if node.op_type == "MatMul"}
    errors = {}
    for name in ("nearest.onnx", "rounded.onnx"):
        graph = onnx.load(str(folder / name)).graph
        stored = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
        matrices = [key.removesuffix("_quantized") for key in stored if key.endswith("_quantized")]
        weights = [key for key in matrices if key in read]
        input_covariances = covariances(plain, [read[key] for key in weights], TEXTS, {})
        for key in weights:
            error = stored[f"{key}_quantized"] * stored[f"{key}_scale"] - floats[key]
            covariance = input_covariances[read[key]]
            errors.setdefault(key, []).append(np.einsum("kn,kj,jn->", error, covariance, error))
    assert count == len(errors) > 0
    assert all(after < before for before, after in errors.values())


def test_sums_of_two_products_still_fit_16_bits(graphs):
    folder, _ = graphs
    integer_products = products(onnx.load(str(folder / "rounded.onnx")))
    assert max(pair_bound(product.weights) for product in integer_products) <= MAX_INT16


def test_the_manifest_records_the_number_of_rounding_texts(run_dir, data, tmp_path):
    arguments = ["--run-dir", str(run_dir), "--calibration", str(data / "validation.parquet")]
    for rows in ("5", "0"):
        folder = tmp_path / rows
        options = [*arguments, "--alignment-rows", "0", "--rounding-rows", rows]
        assert export([*options, "--output-dir", str(folder)]) == 0
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["parameters"]["rounding_rows"] == int(rows)
