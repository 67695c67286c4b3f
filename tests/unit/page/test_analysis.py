"""How the tab Analyze draws an answer."""

import pytest

from frontend_space.tabs.analyze import analysis_html
from reviewlens.models import (
    AnalyzeResponse,
    PictureOpinion,
    Probabilities,
    SentenceAnalysis,
    Word,
)

TEXT = "I <b>like</b> it. It broke!"


class Api:
    """Gives the same answer to every text."""

    def __init__(self, **fields):
        self._fields = fields

    def analyze(self, text, *, picture_preview, image_url=None):
        assert picture_preview
        assert text or image_url
        return AnalyzeResponse(
            **{
                "sentiment": "positive",
                "confidence": 0.6,
                "probabilities": Probabilities(negative=0.3, neutral=0.1, positive=0.6),
                "summary": "Mildly positive.",
                "similar_reviews": [],
                "model_version": "m",
                "index_version": None,
                **self._fields,
            }
        )


def details():
    sentences = [(0, 17, "positive"), (18, 27, "negative")]
    return {
        "sentences": [
            SentenceAnalysis(start=a, end=b, sentiment=label, confidence=0.9, sure=True)
            for a, b, label in sentences
        ],
        "words": [
            Word(start=0, end=1, weight=0.01),
            Word(start=2, end=13, weight=1.4),
            Word(start=21, end=27, weight=-0.5),
        ],
    }


def test_words_are_marked_by_their_weight_and_the_text_is_escaped():
    page = analysis_html(Api(**details()), TEXT, {})
    assert "<b>" not in page
    assert '<mark class="for s3" title="for positive">&lt;b&gt;like&lt;/b&gt;</mark>' in page
    assert '<mark class="against s2" title="against positive">broke!</mark>' in page
    assert '<p class="words">I <mark' in page, "a word without weight is not marked"
    assert "Most weight: “&lt;b&gt;like&lt;/b&gt;”, “broke!”." in page


def test_sentences_are_listed_and_a_mixed_text_is_called_mixed():
    page = analysis_html(Api(**details(), mixed=True), TEXT, {})
    assert "Mixed: praise and complaint." in page
    assert '<li><span class="badge negative">negative</span> It broke!</li>' in page
    assert "Mixed: praise" not in analysis_html(Api(**details(), mixed=False), TEXT, {})


def test_a_model_that_says_nothing_of_words_shows_none():
    page = analysis_html(Api(), TEXT, {})
    assert "words" not in page
    assert "Sentence by sentence" not in page


def test_a_confidence_is_called_sure_only_where_it_is():
    assert "60% confidence, sure" in analysis_html(Api(sure=True), TEXT, {})
    for sure in (False, None):
        assert "60% confidence, not sure" in analysis_html(Api(sure=sure), TEXT, {})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"mismatch": "stars_above_text"}, "the stars are above the text."),
        (
            {"mismatch": "picture_below_text", "disagrees": "picture"},
            "the picture is below the text; the picture is against both others.",
        ),
    ],
)
def test_it_says_who_disagrees(fields, sentence):
    assert f"Who disagrees: {sentence}" in analysis_html(Api(**fields), TEXT, {})
    assert "Who disagrees" not in analysis_html(Api(), TEXT, {})


def test_it_says_what_the_picture_alone_says():
    split = Probabilities(negative=0.9, neutral=0.05, positive=0.05)
    opinion = PictureOpinion(sentiment="negative", confidence=0.9, sure=False, probabilities=split)
    html = analysis_html(Api(picture_opinion=opinion), TEXT, {})
    assert 'The picture alone: <span class="badge negative">negative</span> not sure.' in html


def test_a_picture_alone_is_analysed_and_has_no_language():
    fields = {"sentiment": None, "confidence": None, "probabilities": None, "summary": "No text."}
    html = analysis_html(Api(**fields), " ", {"image_url": "https://a.example/"})
    assert "No text." in html
    assert "language not supported" not in html
    assert "There is no text yet" in analysis_html(Api(), " ", {"rating": 3.0})
