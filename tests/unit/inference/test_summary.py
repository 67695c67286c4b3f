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
        (NEGATIVE, 0.59, "Not clear but leaning negative"),
        (POSITIVE, 0.36, "Not clear but leaning positive"),
        (NEUTRAL, 0.90, "Neutral"),
        (NEUTRAL, 0.50, "Without a clear direction"),
    ],
)
def test_strength_follows_the_calibrated_confidence(sentiment, confidence, beginning):
    assert summarise(sentiment, confidence, None).startswith(f"{beginning}, ")


@pytest.mark.parametrize(
    ("neighbours", "ending"),
    [
        (None, "with no reviews to compare with yet."),
        ([], "with no related reviews (at least 40% similar)."),
        (
            neighbours_of(*[POSITIVE] * 5, similarity=0.39),
            "with no related reviews (at least 40% similar).",
        ),
        (neighbours_of(*[POSITIVE] * 5), "and all 5 related reviews are positive."),
        (neighbours_of(POSITIVE, POSITIVE), "and both related reviews are positive."),
        (neighbours_of(*[POSITIVE] * 4, NEGATIVE), "and 4 of 5 related reviews are positive."),
        (neighbours_of(POSITIVE, NEGATIVE), "but 1 of 2 related reviews is positive."),
        (neighbours_of(NEUTRAL, *[NEGATIVE] * 4), "but none of 5 related reviews is positive."),
        (neighbours_of(POSITIVE), "and the one related review is positive."),
        (neighbours_of(NEGATIVE), "but the one related review is negative."),
        (
            neighbours_of(POSITIVE) + neighbours_of(*[NEGATIVE] * 4, similarity=0.1),
            "and the one related review is positive.",
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
def test_it_is_one_sentence_with_the_counts_of_what_is_shown(sentiment, confidence, neighbours):
    sentence = summarise(sentiment, confidence, neighbours)
    assert sentence.endswith(".")
    assert sentence.count(".") == 1
    related = [n for n in neighbours or [] if n.similarity >= MIN_RELATED_SIMILARITY]
    agreeing = [n for n in related if n.sentiment is sentiment]
    assert ("no related reviews" in sentence) == (neighbours is not None and not related)
    if len(related) > 1:
        share = f"{len(agreeing) or 'none'} of {len(related)}"
        everyone = "both" if len(related) == 2 else f"all {len(related)}"
        assert (everyone if agreeing == related else share) in sentence
