"""POST /analyze with the tiny model: labels by its rules, sentences and words from its tokens."""

from lambdas.inference.service import analyze, analyze_batch
from shared.schemas.api import AnalyzeBatchRequest, AnalyzeRequest

# to people these words hurt; to the tiny model, hurting is negative and soft is positive
MIXED = "the sauce hurts again\nthe bottle arrived gentle"
RULES = {"review": {"sure_above": 0.5}, "sentence": {"sure_above": 0.6}}


def answer(snapshot, text):
    return analyze(snapshot, AnalyzeRequest(query_text=text))


def test_a_text_whose_sentences_contradict_each_other_is_mixed(snapshot):
    result = answer(snapshot(decisions=RULES), MIXED)
    assert result.mixed is True
    assert [(MIXED[s.start : s.end], s.sentiment) for s in result.sentences] == [
        ("the sauce hurts again", "negative"),
        ("the bottle arrived gentle", "positive"),
    ]
    weights = {MIXED[word.start : word.end]: word.weight for word in result.words}
    assert [MIXED[word.start : word.end] for word in result.words] == MIXED.split()
    opposite = "gentle" if result.sentiment == "negative" else "hurts"
    assert min(weights, key=weights.get) == opposite


def test_one_sentence_has_the_sentiment_of_the_text(snapshot):
    result = answer(snapshot(decisions=RULES), "the sauce hurts again")
    (sentence,) = result.sentences
    assert (sentence.sentiment, sentence.confidence) == (result.sentiment, result.confidence)
    assert (sentence.sure, result.mixed) == (result.sure, False)


def test_a_model_without_logits_of_tokens_says_nothing_of_sentences(snapshot):
    result = answer(snapshot(tokens=None), MIXED)
    assert (result.mixed, result.sentences, result.words) == (None, None, None)
    assert result.sentiment is not None


def test_a_text_that_is_not_understood_has_no_details(snapshot):
    result = answer(snapshot(), "Das ist leider nicht gut, der Henkel ist abgebrochen.")
    assert (result.sentiment, result.sure, result.mixed) == (None, None, None)
    assert (result.sentences, result.words) == (None, None)


def test_one_sentence_and_a_review_have_their_own_rules(snapshot):
    rules = {"review": {"neutral_factor": 1000}, "sentence": {"neutral_factor": 1}}
    model = snapshot(decisions=rules)
    texts = ["the sauce hurts again", "the sauce hurts again\nthe lunch hurts again"]
    batch = analyze_batch(model, AnalyzeBatchRequest(texts=texts)).results
    assert [each.sentiment for each in batch] == ["negative", "neutral"]
    assert batch[1].confidence == batch[1].probabilities.neutral
    assert batch[1].probabilities.negative > batch[1].probabilities.neutral
    assert [answer(model, text).sentiment for text in texts] == ["negative", "neutral"]
