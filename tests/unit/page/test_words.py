"""Words that two texts share."""

import pytest

from frontend_space.why import reason, shared_words


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
