"""POST /comprehend with the tiny model, which has logits of tokens."""

import pytest

from lambdas.inference.comprehend import comprehend
from shared.schemas.comprehend import ComprehendRequest
from tests.unit.inference.test_analysis import MIXED, RULES


@pytest.mark.parametrize(
    ("text", "expected"), [(MIXED, "MIXED"), (MIXED.splitlines()[0], "NEGATIVE")]
)
def test_a_text_whose_sentences_contradict_each_other_is_mixed(snapshot, text, expected):
    request = ComprehendRequest(Text=text, LanguageCode="en")
    answer = comprehend(snapshot(decisions=RULES), "DetectSentiment", request)
    assert answer.sentiment == expected
    assert answer.sentiment_score.mixed == 0


def test_each_target_has_the_sentiment_of_its_sentence(snapshot):
    request = ComprehendRequest(Text=MIXED, LanguageCode="en")
    answer = comprehend(snapshot(decisions=RULES), "DetectTargetedSentiment", request)
    found = {
        mention.text: mention.mention_sentiment.sentiment
        for entity in answer.entities
        for mention in entity.mentions
    }
    assert found == {"sauce": "NEGATIVE", "bottle": "POSITIVE"}
