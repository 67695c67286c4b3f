"""Words that moved a decision, and words that two texts share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend_space.answers import Split, TextAnalysis
from frontend_space.occlusion import weigh
from frontend_space.why import reason, shared_words


class Judge:
    """Finds a text as negative as it has bad words; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked.append(texts)
        return [self._one(text) for text in texts]

    def _one(self, text):
        negative = min(1.0, 0.2 + 0.3 * text.count("bad") - 0.1 * text.count("good"))
        split = Split(negative=negative, neutral=0.0, positive=1 - negative)
        return TextAnalysis(sentiment="negative", probabilities=split)


def test_a_word_weighs_what_its_absence_costs():
    pieces = weigh("a bad  thing, good", "negative", Judge())
    weights = {piece.text: piece.weight for piece in pieces if piece.weight is not None}
    assert weights == pytest.approx({"a": 0, "bad": 0.3, "thing,": 0, "good": -0.1})


@given(st.text(alphabet="ab \n\tü€", max_size=400))
def test_the_pieces_are_the_text_letter_by_letter(text):
    pieces = weigh(text, "negative", Judge())
    assert "".join(piece.text for piece in pieces) in (text, "")
    assert bool(pieces) is (len(text.split()) >= 2)


@pytest.mark.parametrize("words", [2, 63, 64, 200, 5000])
def test_one_request_of_at_most_64_texts_is_enough(words):
    judge = Judge()
    pieces = weigh("w " * words, "negative", judge)
    (asked,) = judge.asked
    assert 3 <= len(asked) <= 64
    assert all(text.strip() for text in asked)
    assert len([piece for piece in pieces if piece.weight is not None]) == len(asked) - 1


def test_a_long_text_in_many_bytes_stays_within_what_the_api_takes():
    judge = Judge()
    weigh("€€€€€€€€€ " * 1000, "negative", judge)
    (asked,) = judge.asked
    assert sum(len(text.encode()) for text in asked) < 1_000_000


@pytest.mark.parametrize("text", ["", "   ", "word", " word "])
def test_a_word_alone_needs_no_weighing(text):
    judge = Judge()
    assert weigh(text, "negative", judge) == []
    assert judge.asked == []


def test_shared_words_are_those_of_content_in_any_number():
    assert shared_words("The hinges were broken and I cried", "a hinge, broken") == [
        "hinges",
        "broken",
    ]
    assert shared_words("this was the one", "this was the one") == []


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [("negative", "negative", "negative as well"), ("negative", "positive", "but positive")],
)
def test_a_reason_names_words_and_sentiment(mine, theirs, told):
    assert reason("hinge broke", "the hinge", mine, theirs) == f"shares “hinge”, {told}"
    assert reason("nothing alike", "the hinge", None, None) == "says something alike in other words"
