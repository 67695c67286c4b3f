"""Words that decide a sentiment, and words that two texts share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend_space.occlusion import weigh
from frontend_space.why import reason, shared_words
from reviewlens.models import TextAnalysis
from tests.answers import text_analysis


class Analyzer:
    """Finds a text as negative as it has bad words; keeps its batches."""

    def __init__(self):
        self.batches = []

    def __call__(self, texts):
        self.batches.append(texts)
        return [self._analysis(text) for text in texts]

    def _analysis(self, text):
        return text_analysis(min(1.0, 0.2 + 0.3 * text.count("bad") - 0.1 * text.count("good")))


def test_a_word_weighs_as_much_as_its_absence_changes():
    pieces = weigh("a bad  thing, good", "negative", Analyzer())
    weights = {piece.text: piece.weight for piece in pieces if piece.weight is not None}
    assert weights == pytest.approx({"a": 0, "bad": 0.3, "thing,": 0, "good": -0.1})


@given(st.text(alphabet="ab \n\tü€", max_size=400))
def test_the_pieces_together_are_the_text(text):
    pieces = weigh(text, "negative", Analyzer())
    assert "".join(piece.text for piece in pieces) in (text, "")
    assert bool(pieces) is (len(text.split()) >= 2)


@pytest.mark.parametrize("words", [2, 63, 64, 200, 5000])
def test_one_request_of_at_most_64_texts_is_enough(words):
    analyze = Analyzer()
    pieces = weigh("w " * words, "negative", analyze)
    (batch,) = analyze.batches
    assert 3 <= len(batch) <= 64
    assert all(text.strip() for text in batch)
    assert len([piece for piece in pieces if piece.weight is not None]) == len(batch) - 1


def test_a_long_text_with_wide_characters_fits_into_one_request():
    analyze = Analyzer()
    weigh("€€€€€€€€€ " * 1000, "negative", analyze)
    (batch,) = analyze.batches
    assert sum(len(text.encode()) for text in batch) < 1_000_000


@pytest.mark.parametrize("text", ["", "   ", "word", " word "])
def test_a_text_of_one_word_is_not_weighed(text):
    analyze = Analyzer()
    assert weigh(text, "negative", analyze) == []
    assert analyze.batches == []


def test_shared_words_are_content_words_in_singular_or_plural():
    assert shared_words("The hinges were broken and I cried", "a hinge, broken") == [
        "hinges",
        "broken",
    ]
    assert shared_words("this was the one", "this was the one") == []


@pytest.mark.parametrize(
    ("own", "other", "text"),
    [("negative", "negative", "negative as well"), ("negative", "positive", "but positive")],
)
def test_a_reason_names_words_and_sentiment(own, other, text):
    assert reason("hinge broke", "the hinge", own, other) == f"shares “hinge”, {text}"
    assert (
        reason("nothing alike", "the hinge", None, None) == "says something similar in other words"
    )


def test_a_part_that_is_not_understood_weighs_as_much_as_the_whole():
    unknown = TextAnalysis(sentiment=None, confidence=None, probabilities=None)
    pieces = weigh("bad Ware", "negative", lambda _: [text_analysis(0.7), unknown, unknown])
    assert [piece.weight for piece in pieces if piece.text != " "] == pytest.approx([0.7, 0.7])
