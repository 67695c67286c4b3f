"""A second model gives the sentiment of texts that the first one is not sure of."""

import pytest
from fastapi.testclient import TestClient

from lambdas.inference.api import create_app
from lambdas.inference.dependencies import Dependencies
from lambdas.inference.settings import InferenceSettings
from shared.runtime.loader import second_model
from shared.serving.state import ServingState
from shared.storage import artefacts, layout
from tests.fakes.objects import MemoryStore
from tests.models import model_folder, neutral_model

SURE = "I love it, the best purchase I have made this year!"
UNSURE = "It came in a box."
FOREIGN = "Der Reißverschluss ist nach zwei Tagen kaputt gegangen, sehr schlechte Qualität."


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A bucket with the model, which is current, and a second one, which finds all neutral."""
    store = MemoryStore("artefacts")
    folder = neutral_model(tmp_path_factory.mktemp("second") / "model", "second-1")
    for place in (model_folder(), folder):
        local = artefacts.read_folder(place, kind="model")
        artefacts.publish(store, place, local.manifest)
    first = artefacts.read_folder(model_folder(), kind="model").manifest.version
    artefacts.move_pointer(store, "model", first, if_match=None)
    return store, first


@pytest.fixture(scope="module")
def start(published, tmp_path_factory):
    """``start(**settings)``: a client of inference."""
    store, _ = published
    state = ServingState(store, tmp_path_factory.mktemp("first"))

    def client(**values):
        settings = InferenceSettings(
            artefact_bucket="artefacts", cache_dir=tmp_path_factory.mktemp("cache"), **values
        )
        names = settings.second_model, settings.second_model_below
        second = second_model(*names, store, settings.cache_dir, threads=1)
        return TestClient(create_app(lambda: Dependencies(state, second)))

    return client


def analyze(client, text):
    answer = client.post("/analyze", json={"query_text": text})
    assert answer.status_code == 200
    return answer.json()


def test_without_a_second_model_the_current_one_gives_every_sentiment(start, published):
    client = start()
    for text in (SURE, UNSURE):
        answer = analyze(client, text)
        assert answer["sentiment_model"] == answer["model_version"] == published[1]
    assert "second_model" not in client.get("/health").json()["checks"]


def test_the_second_model_answers_below_the_confidence_of_the_settings(start, published):
    alone = analyze(start(), UNSURE)
    below = alone["confidence"] + 0.001
    client = start(second_model="second-1", second_model_below=below)
    sure, unsure = analyze(client, SURE), analyze(client, UNSURE)
    assert (sure["sentiment"], sure["sentiment_model"]) == ("positive", published[1])
    assert (unsure["sentiment"], unsure["sentiment_model"]) == ("neutral", "second-1")
    assert unsure["model_version"] == published[1], "the embedding is always that of the first"
    assert unsure["warnings"] == alone["warnings"]
    assert client.get("/health").json()["checks"]["second_model"]["status"] == "ok"


def test_by_default_it_answers_where_the_first_model_is_not_sure(start, published):
    client = start(second_model="second-1")
    texts = [SURE, UNSURE, "The box is blue.", "Broke after two days. Terrible, avoid."]
    alone = start().post("/analyze/batch", json={"texts": texts}).json()["results"]
    both = client.post("/analyze/batch", json={"texts": texts}).json()["results"]
    assert len({each["sure"] for each in alone}) == 2
    for one, other in zip(alone, both, strict=True):
        expected = published[1] if one["sure"] else "second-1"
        assert other["sentiment_model"] == expected
        assert other["sentiment"] == (one["sentiment"] if one["sure"] else "neutral")


def test_a_text_that_is_not_understood_has_no_sentiment_of_either_model(start):
    answer = analyze(start(second_model="second-1", second_model_below=1.0), FOREIGN)
    assert answer["sentiment"] is answer["sentiment_model"] is answer["probabilities"] is None


@pytest.mark.parametrize(
    ("version", "reason"),
    [("second-2", "there is no model second-2"), ("second-1", "corrupt (SHA-256 differs)")],
)
def test_a_second_model_that_cannot_be_used_is_a_warning(start, published, version, reason):
    store, first = published
    key = layout.version_prefix("model", "second-1") + "model.onnx"
    intact = store.get(key)[0]
    store.put(key, intact[:-1] + b"\0" if intact[-1] else intact[:-1] + b"\1")
    try:
        client = start(second_model=version, second_model_below=1.0)
        for answer in (analyze(client, UNSURE), analyze(client, UNSURE)):
            assert answer["sentiment_model"] == first
            (warning,) = (each for each in answer["warnings"] if "second model" in each)
            assert warning.startswith(f"the second model {version} cannot be used: ")
            assert reason in warning
        health = client.get("/health").json()
        assert health["checks"]["second_model"] == {"status": "degraded", "detail": warning}
        assert health["status"] == "degraded"
    finally:
        store.put(key, intact)
