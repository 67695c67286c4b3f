"""Sentiments of the shipped model for texts that it understands, and for those it does not."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from lambdas.inference.api import create_app
from lambdas.inference.dependencies import Dependencies
from shared.schemas.api import AnalyzeBatchRequest
from shared.serving.snapshots import Snapshot
from tests.complaints import COMPLAINTS


class OneSnapshot:
    def __init__(self, snapshot):
        self._snapshot = snapshot

    def snapshot(self):
        return self._snapshot


@pytest.fixture(scope="module")
def http(encoder):
    state = OneSnapshot(Snapshot(encoder, None))
    return TestClient(create_app(lambda: Dependencies(state)))


def analyze(http, text):
    response = http.post("/analyze", json={"query_text": text})
    assert response.status_code == 200, response.text
    return response.json()


def test_no_complaint_in_another_language_gets_a_sentiment(http):
    texts = [text for _, text in COMPLAINTS]
    answer = http.post("/analyze/batch", json=AnalyzeBatchRequest(texts=texts).model_dump()).json()
    for (code, text), result in zip(COMPLAINTS, answer["results"], strict=True):
        unread = ("sentiment", "confidence", "probabilities", "sure", "mixed", "sentiment_model")
        unread += ("picture_opinion",)
        expected = {**dict.fromkeys(unread), "language": code, "sentiment_modalities": []}
        assert result == expected, text
    assert len(answer["warnings"]) == len(COMPLAINTS)
    assert all("does not understand the text" in warning for warning in answer["warnings"])


def test_the_answer_names_the_language(http):
    answer = analyze(http, "Leider nach einer Woche kaputt, sehr schlechte Verarbeitung")
    assert (answer["sentiment"], answer["confidence"], answer["probabilities"]) == (None,) * 3
    assert answer["language"] == "de"
    assert answer["summary"] == "No sentiment: the model does not understand this text."
    assert any("whose language is de" in warning for warning in answer["warnings"])


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("😡😡😡", "negative"),
        ("😡", "negative"),
        ("👎", "negative"),
        ("🤮🤮", "negative"),
        ("😍😍😍", "positive"),
        ("👍🏽", "positive"),
        ("❤️", "positive"),
        ("great!", "positive"),
        ("TERRIBLE QUALITY, STOPPED WORKING AFTER A WEEK", "negative"),
    ],
)
def test_emoji_and_short_english_texts_have_a_sentiment(http, text, sentiment):
    answer = analyze(http, text)
    assert answer["sentiment"] == sentiment
    assert not any("understand" in warning for warning in answer["warnings"])


@pytest.mark.parametrize("text", ["\u200b\u200d", "\u2060 \ufeff", "\ufe0f", "\u3164\u2800"])
def test_invisible_text_is_refused(http, text):
    response = http.post("/analyze", json={"query_text": text})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "query_text"


def test_the_share_of_unknown_tokens_is_measured(encoder):
    encoded = encoder.encode(["A plain sentence.", "质量很差，用了两天就不能开机了", ""])
    assert encoded.unknown_shares[0] == 0
    assert encoded.unknown_shares[1] > 0.5
    assert encoded.unknown_shares[2] == 0


def test_an_emoji_is_encoded_like_its_words(encoder):
    sign, words = (
        encoder.encode(["The hinge broke 😡"]),
        encoder.encode(["The hinge broke very angry"]),
    )
    assert np.array_equal(sign.embeddings, words.embeddings)
