"""A corrected graph: new logits, identical embeddings."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.adapt.correction import Correction, Inputs
from sagemaker_jobs.adapt.graph import append_correction, correction_graph
from shared.errors import ArtefactError
from shared.runtime.probabilities import softmax
from tests.sauces import WIDTH, graph

IDS = np.array([[1, 8, 14, 3], [7, 2, 15, 0], [9, 9, 16, 17]], np.int64)
FEED = {"input_ids": IDS, "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]])}


def run_graph(path):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["embedding", "logits"]
    return session.run(["embedding", "logits"], FEED)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("base") / "model.onnx"
    onnx.save(graph(), str(path))
    return path


def random_correction(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return Correction(*(rng.normal(size=shape) * scale for shape in ((3,), (3, 3), (WIDTH, 3))))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_a_graph_applies_each_of_its_corrections(base, tmp_path_factory, seed, times):
    folder = tmp_path_factory.mktemp("made")
    embedding, logits = run_graph(base)
    expected = np.asarray(logits, np.float64)
    source = base
    for number in range(times):
        correction = random_correction(seed + number)
        append_correction(source, folder / f"{number}.onnx", correction)
        expected = correction.apply(Inputs(expected, np.asarray(embedding, np.float64)))
        source = folder / f"{number}.onnx"
    new_embedding, new_logits = run_graph(source)
    assert new_embedding.tobytes() == embedding.tobytes()
    assert softmax(new_logits) == pytest.approx(softmax(expected), abs=1e-4)


def test_a_zero_correction_changes_no_logit(base, tmp_path):
    append_correction(base, tmp_path / "same.onnx", random_correction(0, scale=0.0))
    assert run_graph(tmp_path / "same.onnx")[1] == pytest.approx(run_graph(base)[1], abs=1e-6)


def test_the_result_is_a_valid_graph_and_the_source_is_unchanged(base, tmp_path):
    before = base.read_bytes()
    append_correction(base, tmp_path / "new.onnx", random_correction(1))
    onnx.checker.check_model(str(tmp_path / "new.onnx"), full_check=True)
    assert base.read_bytes() == before


def test_a_graph_without_both_outputs_is_rejected(tmp_path):
    model = graph()
    del model.graph.output[1]
    onnx.save(model, str(tmp_path / "half.onnx"))
    with pytest.raises(ArtefactError, match="no outputs embedding and logits"):
        append_correction(tmp_path / "half.onnx", tmp_path / "new.onnx", random_correction(1))


def test_a_file_that_is_not_a_graph_is_rejected(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\xff\xfe no graph at all")
    with pytest.raises(ArtefactError, match="cannot be read as an ONNX graph"):
        append_correction(tmp_path / "model.onnx", tmp_path / "new.onnx", random_correction(1))


@pytest.mark.parametrize("times", [1, 2])
def test_the_separate_corrections_compute_the_logits_from_the_original_ones(base, tmp_path, times):
    source = base
    for number in range(times):
        append_correction(source, tmp_path / f"{number}.onnx", random_correction(number))
        source = tmp_path / f"{number}.onnx"
    (tmp_path / "corrections.onnx").write_bytes(correction_graph(source))
    onnx.checker.check_model(str(tmp_path / "corrections.onnx"), full_check=True)
    session = ort.InferenceSession(str(tmp_path / "corrections.onnx"))
    embedding, logits = run_graph(base)
    before = logits - np.float32(3)  # a constant added to all logits has no effect
    (corrected,) = session.run(["logits"], {"before": before, "embedding": embedding})
    assert softmax(corrected) == pytest.approx(softmax(run_graph(source)[1]), abs=1e-5)


def test_a_graph_without_corrections_has_no_correction_graph(base):
    assert correction_graph(base) is None
