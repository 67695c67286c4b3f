"""Clauses of a text that contradict each other, and the words that move them."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.aspects.clauses import find_mixed, read_clauses
from shared.aspects.weights import weigh_words
from shared.runtime.spans import TokenLogits
from shared.schemas.decisions import Decisions, Rule
from shared.scoring.shard import score_shard
from tests.unit.aspects.test_scoring import TokenEncoder

SAYS = {"great": [0, 0, 4], "loose": [4, 0, 0], "odd": [1, 0, 0]}
TEXT = "The screen is great. The hinge is loose."


def read(text, characters=1000):
    """The tokens of the words among the first characters; few words say something."""
    words = list(re.finditer(r"\w+", text[:characters]))
    logits = [SAYS.get(word.group(), [0, 0, 0]) for word in words]
    spans = np.asarray([word.span() for word in words], np.int64).reshape(-1, 2)
    return TokenLogits(np.asarray(logits, np.float32).reshape(-1, 3), spans)


def mixed(text, threshold=0.5, **options):
    (flag,) = find_mixed([text], [read(text, **options)], Rule(sure_above=threshold))
    return flag


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT, True),
        ("The screen is great, but the hinge is loose", True),
        ("The screen is great. The case is great.", False),
        ("The hinge is loose. We had it for a week.", False),
        ("The screen is great. The hinge is odd.", False),
        ("loose great", False),
        ("", False),
    ],
)
def test_a_text_is_mixed_if_a_clause_is_surely_praise_and_another_surely_complaint(text, expected):
    assert mixed(text) is expected


def test_a_clause_counts_only_where_the_model_is_sure():
    (clauses,) = read_clauses([TEXT], [read(TEXT)], Rule(sure_above=0.5))
    assert [(TEXT[c.start : c.end], c.sentiment, c.sure) for c in clauses] == [
        ("The screen is great.", "positive", True),
        ("The hinge is loose.", "negative", True),
    ]
    assert mixed(TEXT, threshold=0.99) is False
    assert mixed(TEXT, threshold=None) is None, "it is never sure"


def test_without_logits_of_tokens_nobody_knows():
    assert find_mixed([TEXT, ""], None, Rule()) == [None, None]


def test_a_clause_that_the_model_did_not_read_says_nothing():
    assert mixed(TEXT, characters=20) is False
    assert read_clauses([TEXT], [read(TEXT, 0)], Rule()) == [[]]


def test_the_rule_for_sentences_decides_clauses():
    text = "The hinge is odd. It came on Monday."
    first, second = read_clauses([text], [read(text)], Rule(neutral_factor=2))[0]
    assert (first.sentiment, second.sentiment) == ("neutral", "neutral")


def test_stored_reviews_are_read_with_their_title():
    table = pa.table(
        {"title": ["The screen is great", None], "text": ["The hinge is loose.", "It is great."]}
    )
    decisions = Decisions(sentence=Rule(sure_above=0.5))
    assert score_shard(TokenEncoder(), decisions, table).mixed == [True, False]
    encoder = TokenEncoder(with_tokens=False)
    assert score_shard(encoder, decisions, table).mixed == [None, None]


def test_a_word_speaks_for_or_against_the_sentiment():
    weights = {TEXT[w.start : w.end]: w.weight for w in weigh_words(TEXT, read(TEXT), label=2)}
    assert weights["great."] > 0.5
    assert weights["loose."] < -0.5
    assert abs(weights["screen"]) < weights["great."]


def test_the_weight_is_the_difference_that_the_word_makes_in_its_clause():
    tokens = TokenLogits(np.float32([[3, 0, 0], [0, 0, 1]]), np.array([[0, 1], [2, 3]]))
    first, second = weigh_words("a b", tokens, label=0)
    whole = 1.5 - np.log(1 + np.exp(0.5))
    assert first.weight == pytest.approx(whole - (0 - np.log(1 + np.e)))
    assert second.weight == pytest.approx(whole - (3 - np.log(2)))


@given(st.text(alphabet="ab .\n,", max_size=80))
def test_words_are_parts_of_the_text_in_order(text):
    weights = list(weigh_words(text, read(text), label=0))
    assert [w.start for w in weights] == sorted({w.start for w in weights})
    for word in weights:
        assert text[word.start : word.end].split() == [text[word.start : word.end]]
        assert np.isfinite(word.weight)
