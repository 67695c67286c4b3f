"""The summary sentence matches the evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.inference.summary import MIN_RELATED_SIMILARITY, Neighbour, summarise
from shared.schemas.sentiment import LABELS, Sentiment

NEGATIVE, NEUTRAL, POSITIVE = LABELS


def neighbours_of(*sentiments, similarity=0.7):
    return [Neighbour(sentiment, similarity) for sentiment in sentiments]


@pytest.mark.parametrize(
    ("sentiment", "confidence", "beginning"),
    [
        (POSITIVE, 0.99, "Strongly positive"),
        (POSITIVE, 0.95, "Strongly positive"),
        (POSITIVE, 0.94, "Clearly positive"),
        (NEGATIVE, 0.80, "Clearly negative"),
        (NEGATIVE, 0.79, "Mildly negative"),
        (NEGATIVE, 0.60, "Mildly negative"),
        (NEGATIVE, 0.59, "Mixed but leaning negative"),
        (POSITIVE, 0.36, "Mixed but leaning positive"),
        (NEUTRAL, 0.90, "Neutral"),
        (NEUTRAL, 0.50, "Mixed without a clear direction"),
    ],
)
def test_strength_follows_the_calibrated_confidence(sentiment, confidence, beginning):
    assert summarise(sentiment, confidence, None).startswith(f"{beginning}, ")


@pytest.mark.parametrize(
    ("neighbours", "ending"),
    [
        (None, "with no reviews to compare with yet."),
        ([], "with no closely related reviews to compare with."),
        (
            neighbours_of(*[POSITIVE] * 9, similarity=0.2),
            "with no closely related reviews to compare with.",
        ),
        (
            neighbours_of(*[POSITIVE] * 10),
            "with overwhelmingly similar opinions from related reviews.",
        ),
        (
            neighbours_of(*[POSITIVE] * 9, NEGATIVE),
            "with overwhelmingly similar opinions from related reviews.",
        ),
        (
            neighbours_of(*[POSITIVE] * 8, NEGATIVE, NEGATIVE),
            "with mostly similar opinions from related reviews.",
        ),
        (
            neighbours_of(POSITIVE, POSITIVE, NEGATIVE, NEGATIVE),
            "while related reviews are divided.",
        ),
        (
            neighbours_of(POSITIVE, NEGATIVE, NEGATIVE, NEGATIVE),
            "although related reviews are mostly negative.",
        ),
        (neighbours_of(NEUTRAL, NEUTRAL, NEUTRAL), "although related reviews are mostly neutral."),
        (neighbours_of(POSITIVE), "and the only related review agrees."),
        (neighbours_of(NEGATIVE), "but the only related review disagrees."),
        (neighbours_of(POSITIVE, POSITIVE), "and the only two related reviews agree."),
        (neighbours_of(NEGATIVE, NEUTRAL), "but the only two related reviews disagree."),
        (neighbours_of(POSITIVE, NEUTRAL), "while the only two related reviews are divided."),
        (
            neighbours_of(POSITIVE) + neighbours_of(*[NEGATIVE] * 8, similarity=0.1),
            "and the only related review agrees.",
        ),
    ],
)
def test_agreement_follows_the_related_reviews(neighbours, ending):
    sentence = summarise(POSITIVE, 0.97, neighbours)
    assert sentence == f"Strongly positive, {ending}"


@given(
    sentiment=st.sampled_from(Sentiment),
    confidence=st.floats(0.33, 1),
    neighbours=st.none()
    | st.lists(st.builds(Neighbour, st.sampled_from(Sentiment), st.floats(-1, 1)), max_size=12),
)
def test_it_is_one_sentence_and_claims_agreement_only_of_a_majority(
    sentiment, confidence, neighbours
):
    sentence = summarise(sentiment, confidence, neighbours)
    assert sentence.endswith(".")
    assert sentence.count(".") == 1
    related = [n for n in neighbours or [] if n.similarity >= MIN_RELATED_SIMILARITY]
    if "similar opinions" in sentence:
        assert sum(n.sentiment is sentiment for n in related) * 2 > len(related) >= 3
