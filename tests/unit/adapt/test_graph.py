"""The graph behind the graph: corrected logits, the very same embeddings."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.adapt.correction import Correction, Inputs
from sagemaker_jobs.adapt.graph import append, corrections
from shared.errors import ArtefactError
from shared.runtime.probabilities import softmax
from tests.sauces import WIDTH, graph

IDS = np.array([[1, 8, 14, 3], [7, 2, 15, 0], [9, 9, 16, 17]], np.int64)
FEED = {"input_ids": IDS, "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]])}


def answers(path):
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
def test_it_answers_as_the_correction_says_however_often_it_is_corrected(
    base, tmp_path_factory, seed, times
):
    folder = tmp_path_factory.mktemp("made")
    embedding, logits = answers(base)
    expected = np.asarray(logits, np.float64)
    source = base
    for number in range(times):
        correction = random_correction(seed + number)
        append(source, folder / f"{number}.onnx", correction)
        expected = correction.apply(Inputs(expected, np.asarray(embedding, np.float64)))
        source = folder / f"{number}.onnx"
    found_embedding, found_logits = answers(source)
    assert found_embedding.tobytes() == embedding.tobytes()
    assert softmax(found_logits) == pytest.approx(softmax(expected), abs=1e-4)


def test_no_correction_changes_no_logit(base, tmp_path):
    append(base, tmp_path / "same.onnx", random_correction(0, scale=0.0))
    assert answers(tmp_path / "same.onnx")[1] == pytest.approx(answers(base)[1], abs=1e-6)


def test_the_result_is_a_valid_graph_and_the_source_is_as_it_was(base, tmp_path):
    before = base.read_bytes()
    append(base, tmp_path / "new.onnx", random_correction(1))
    onnx.checker.check_model(str(tmp_path / "new.onnx"), full_check=True)
    assert base.read_bytes() == before


def test_a_graph_without_the_two_outputs_is_refused(tmp_path):
    model = graph()
    del model.graph.output[1]
    onnx.save(model, str(tmp_path / "half.onnx"))
    with pytest.raises(ArtefactError, match="no outputs embedding and logits"):
        append(tmp_path / "half.onnx", tmp_path / "new.onnx", random_correction(1))


def test_what_is_no_graph_is_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\xff\xfe no graph at all")
    with pytest.raises(ArtefactError, match="cannot be read as an ONNX graph"):
        append(tmp_path / "model.onnx", tmp_path / "new.onnx", random_correction(1))


@pytest.mark.parametrize("times", [1, 2])
def test_its_corrections_alone_give_its_logits_from_those_of_the_first_model(base, tmp_path, times):
    source = base
    for number in range(times):
        append(source, tmp_path / f"{number}.onnx", random_correction(number))
        source = tmp_path / f"{number}.onnx"
    (tmp_path / "alone.onnx").write_bytes(corrections(source))
    onnx.checker.check_model(str(tmp_path / "alone.onnx"), full_check=True)
    session = ort.InferenceSession(str(tmp_path / "alone.onnx"))
    embedding, logits = answers(base)
    before = logits - np.float32(3)  # a constant added to all of them counts nothing
    (found,) = session.run(["logits"], {"before": before, "embedding": embedding})
    assert softmax(found) == pytest.approx(softmax(answers(source)[1]), abs=1e-5)


def test_a_graph_that_was_never_corrected_has_none(base):
    assert corrections(base) is None
