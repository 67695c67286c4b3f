"""The real model on ONNX Runtime: shapes, order, limits, and invalid model folders."""

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ArtefactError
from shared.runtime.encoder import BATCH_SIZE, open_folder
from shared.runtime.probabilities import softmax
from shared.runtime.threads import cores
from shared.schemas.sentiment import LABELS, Sentiment

GOOD = "I love this kettle, it works perfectly and looks beautiful."
BAD = "Terrible. It broke after two days and they refused to refund me."


def test_one_pass_returns_unit_embeddings_and_probabilities(encoder):
    encoded = encoder.encode([GOOD, BAD, ""])
    assert encoded.embeddings.shape == (3, encoder.dimension)
    assert encoded.embeddings.dtype == encoded.probabilities.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(encoded.embeddings, axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(encoded.probabilities.sum(axis=1), 1, atol=1e-5)


def test_clear_praise_and_blame_are_distinguished(encoder):
    good, bad = encoder.encode([GOOD, BAD]).probabilities
    assert good[LABELS.index(Sentiment.POSITIVE)] > bad[LABELS.index(Sentiment.POSITIVE)]
    assert bad[LABELS.index(Sentiment.NEGATIVE)] > good[LABELS.index(Sentiment.NEGATIVE)]


def test_no_texts_return_empty_arrays(encoder):
    encoded = encoder.encode([])
    assert encoded.embeddings.shape == (0, encoder.dimension)
    assert encoded.probabilities.shape == (0, 3)
    assert encoded.truncated == []


def test_results_are_in_the_order_of_the_texts(encoder):
    texts = [" ".join(["battery"] * (1 + number * 7 % 60)) + f" {number}" for number in range(41)]
    assert len(texts) > BATCH_SIZE
    together = encoder.encode(texts).embeddings
    one_by_one = np.concatenate([encoder.encode([text]).embeddings for text in texts])
    nearest = (together @ one_by_one.T).argmax(axis=1)
    assert nearest.tolist() == list(range(len(texts)))


def test_the_same_texts_give_the_same_bits(encoder):
    texts = [GOOD, BAD, "fine"] * 9
    first, second = encoder.encode(texts), encoder.encode(texts)
    assert np.array_equal(first.embeddings, second.embeddings)
    assert np.array_equal(first.probabilities, second.probabilities)


def test_many_threads_get_the_same_results_as_one(encoder):
    texts = [f"{GOOD} Number {number}." for number in range(24)]
    one_by_one = [encoder.encode([text]).embeddings[0] for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: encoder.encode([text]).embeddings[0], texts))
    assert np.array_equal(np.stack(one_by_one), np.stack(together))


def test_an_idle_pass_on_all_cores_returns_the_same_bits_as_parallel_passes(folder, encoder):
    texts = [f"{GOOD} Number {number}." for number in range(24)]
    encoder_with_idle_threads = open_folder(folder, threads=1, idle_threads=2)
    with ThreadPoolExecutor(8) as pool:
        parallel = list(
            pool.map(lambda text: encoder_with_idle_threads.encode([text]).embeddings[0], texts)
        )
    idle = [encoder_with_idle_threads.encode([text]).embeddings[0] for text in texts]
    expected = [encoder.encode([text]).embeddings[0] for text in texts]
    assert np.array_equal(np.stack(idle), np.stack(expected))
    assert np.array_equal(np.stack(parallel), np.stack(expected))


class Recorder:
    """A session that records its runs and can be blocked."""

    def __init__(self, session, name, runs):
        self._session, self._name, self._runs = session, name, runs
        self.released = threading.Event()
        self.released.set()

    def run(self, *arguments):
        self._runs.append(self._name)
        assert self.released.wait(30)
        return self._session.run(*arguments)


@pytest.fixture
def recorded(folder):
    encoder = open_folder(folder, threads=1, idle_threads=2)
    runs = []
    encoder._session = Recorder(encoder._session, "parallel", runs)
    encoder._idle_session = Recorder(encoder._idle_session, "idle", runs)
    return encoder, runs


def test_a_pass_on_an_idle_encoder_uses_all_cores(recorded):
    encoder, runs = recorded
    encoder.encode([GOOD])
    encoder.encode([BAD])
    assert runs == ["idle", "idle"]
    encoder.encode([GOOD] * (BATCH_SIZE + 1))
    assert runs[2:] == ["parallel", "parallel"]


@pytest.mark.skipif(cores() < 2, reason="passes run one at a time on one core")
def test_a_pass_in_parallel_with_another_uses_one_core(recorded):
    encoder, runs = recorded
    encoder._idle_session.released.clear()
    with ThreadPoolExecutor(1) as pool:
        blocked = pool.submit(encoder.encode, [GOOD])
        while not runs:
            time.sleep(0.001)
        encoder.encode([BAD])
        encoder._idle_session.released.set()
        blocked.result()
    assert runs == ["idle", "parallel"]


def test_a_text_above_the_token_limit_is_truncated_and_marked(encoder):
    long = "good " * 5_000
    encoded = encoder.encode([long, "good"])
    assert encoded.truncated == [True, False]
    truncated = encoder.encode(["good " * encoder.manifest.max_tokens]).embeddings[0]
    np.testing.assert_allclose(encoder.encode([long]).embeddings[0], truncated, atol=1e-6)


def test_the_middle_of_a_long_text_is_ignored(encoder):
    filler = "It came in a box. " * 200
    ends = [f"{filler} {end}" for end in (GOOD, BAD)]
    good, bad = encoder.encode(ends).probabilities
    assert good[2] > 0.5 > bad[2]
    middle = f"{filler} {BAD} {filler}"
    both = encoder.encode([middle, filler + filler]).probabilities
    np.testing.assert_allclose(*both, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=10))
def test_any_text_returns_finite_numbers(texts):
    from tests.models import opened_model

    encoded = opened_model().encode(texts)
    assert np.isfinite(encoded.embeddings).all()
    assert np.isfinite(encoded.probabilities).all()
    assert encoded.embeddings.shape[0] == len(texts)


def test_softmax_of_large_logits_stays_finite():
    probabilities = softmax(np.array([[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(probabilities, [[1, 0, 0], [1 / 3] * 3], atol=1e-6)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "model")


def change_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_flipped_bit_in_the_graph_is_refused(copy):
    body = bytearray((copy / "model.onnx").read_bytes())
    body[len(body) // 2] ^= 1
    (copy / "model.onnx").write_bytes(body)
    with pytest.raises(ArtefactError, match="corrupt"):
        open_folder(copy)


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_refused(copy, missing):
    (copy / missing).unlink()
    with pytest.raises(ArtefactError):
        open_folder(copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"dimension": 128},
        {"labels": ["positive", "neutral", "negative"]},
        {"labels": None},
        {"kind": "index"},
    ],
)
def test_a_manifest_that_does_not_match_the_graph_is_refused(copy, changes):
    change_manifest(copy, **changes)
    with pytest.raises(ArtefactError):
        open_folder(copy)


def test_an_invalid_graph_is_refused_even_when_its_checksum_matches(copy):
    import hashlib

    manifest = json.loads((copy / "manifest.json").read_text())
    body = b"this is not a graph"
    (copy / "model.onnx").write_bytes(body)
    files = manifest["files"] | {
        "model.onnx": {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    }
    change_manifest(copy, files=files)
    with pytest.raises(ArtefactError, match="cannot be opened"):
        open_folder(copy)
