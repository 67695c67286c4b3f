"""boto3's client of Amazon Comprehend against a real stack."""

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

pytestmark = pytest.mark.slow
MIXED = "The screen is wonderful, I love it so much. The hinge broke at once, awful quality."


@pytest.fixture(scope="module", params=["signed", "unsigned"])
def comprehend(request, stack, samples):
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    config = Config(retries={"max_attempts": 0})
    if request.param == "unsigned":
        keys, config = {}, config.merge(Config(signature_version=UNSIGNED))
    url = f"{stack.running.gateway_url}/comprehend"
    client = boto3.client(
        "comprehend", endpoint_url=url, region_name="eu-west-1", config=config, **keys
    )
    yield client
    client.close()


def test_a_text_has_the_sentiment_of_analyze(comprehend, client):
    for text in ("The hinge broke.", "Lovely sound, we are delighted.", MIXED):
        own = client.post("/analyze", json={"query_text": text, "top_k": 0}).json()
        answer = comprehend.detect_sentiment(Text=text, LanguageCode="en")
        expected = "MIXED" if own["mixed"] else own["sentiment"].upper()
        assert answer["Sentiment"] == expected
        score = answer["SentimentScore"]
        assert score.pop("Mixed") == 0
        assert {name.lower(): value for name, value in score.items()} == own["probabilities"]


def test_a_batch_has_an_error_for_each_text_that_cannot_be_read(comprehend):
    german = "Das Gerät ist nach drei Wochen kaputt gegangen, und niemand antwortet auf Fragen."
    texts = ["Lovely sound.", "  ", "é" * 2501, "The hinge broke.", german]
    answer = comprehend.batch_detect_sentiment(TextList=texts, LanguageCode="en")
    assert [(each["Index"], each["Sentiment"]) for each in answer["ResultList"]] == [
        (0, "POSITIVE"),
        (3, "NEGATIVE"),
    ]
    assert [(each["Index"], each["ErrorCode"]) for each in answer["ErrorList"]] == [
        (1, "ValidationException"),
        (2, "TextSizeLimitExceededException"),
        (4, "UnsupportedLanguageException"),
    ]
    assert "5002 bytes" in answer["ErrorList"][1]["ErrorMessage"]
    alone = comprehend.detect_sentiment(Text=texts[3], LanguageCode="en")
    assert answer["ResultList"][1]["SentimentScore"] == pytest.approx(
        alone["SentimentScore"], abs=0.02
    )


def test_aspects_have_the_offsets_of_their_words(comprehend):
    text = "😀 The battery life is wonderful, I love it. But the hinges broke, awful. Battery life!"
    answer = comprehend.detect_targeted_sentiment(Text=text, LanguageCode="en")
    found = {}
    for entity in answer["Entities"]:
        assert entity["DescriptiveMentionIndex"] == [0]
        for mention in entity["Mentions"]:
            words = text[mention["BeginOffset"] : mention["EndOffset"]]
            assert (mention["Text"], mention["Type"]) == (words, "ATTRIBUTE")
            found.setdefault(words, mention["MentionSentiment"]["Sentiment"])
    assert found["battery life"] == "POSITIVE"
    assert found["hinges"] == "NEGATIVE"
    assert len(answer["Entities"][0]["Mentions"]) == 2


def test_a_text_without_aspects_has_no_entities(comprehend):
    answer = comprehend.detect_targeted_sentiment(Text="Awful!", LanguageCode="en")
    assert answer["Entities"] == []


@pytest.mark.parametrize(
    ("name", "parameters", "code", "words"),
    [
        ("detect_sentiment", {"Text": "x" * 5001}, "TextSizeLimitExceededException", "5001 bytes"),
        ("detect_sentiment", {"Text": " \n"}, "ValidationException", "must not be blank"),
        (
            "detect_sentiment",
            {"Text": "Schade.", "LanguageCode": "de"},
            "UnsupportedLanguageException",
            "only English",
        ),
        ("detect_sentiment", {"Text": "a", "LanguageCode": "xx"}, "ValidationException", "'xx'"),
        (
            "batch_detect_sentiment",
            {"TextList": ["a"] * 26},
            "BatchSizeLimitExceededException",
            "at most 25",
        ),
        ("contains_pii_entities", {"Text": "a"}, "UnsupportedOperation", "ContainsPiiEntities"),
        ("detect_entities", {"Text": "a"}, "UnsupportedOperation", "DetectEntities"),
        ("detect_dominant_language", {"Text": "a"}, "UnsupportedOperation", "DetectSentiment"),
    ],
)
def test_what_is_refused_is_an_exception_of_comprehend(comprehend, name, parameters, code, words):
    if name != "detect_dominant_language":
        parameters = {"LanguageCode": "en", **parameters}
    with pytest.raises(ClientError, match=words) as raised:
        getattr(comprehend, name)(**parameters)
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_exceptions_are_those_of_the_client(comprehend):
    with pytest.raises(comprehend.exceptions.TextSizeLimitExceededException):
        comprehend.detect_sentiment(Text="x" * 5001, LanguageCode="en")


@pytest.mark.parametrize(
    ("content", "headers", "status", "kind"),
    [
        (b"{", {}, 400, "SerializationException"),
        (b"{}", {"content-type": "text/plain"}, 400, "SerializationException"),
        (b"{}", {"x-amz-target": ""}, 400, "UnsupportedOperation"),
        (b"{}", {"x-amz-target": "DetectSentiment"}, 400, "UnsupportedOperation"),
        (b'{"LanguageCode": "en"}', {}, 400, "ValidationException"),
        (b'{"LanguageCode": "en", "Text": 5}', {}, 400, "ValidationException"),
        (b'{"LanguageCode": "en", "Text": "a", "More": 1}', {}, 400, "ValidationException"),
        (b"[" * 5_000_001, {}, 413, "ValidationException"),
    ],
)
def test_every_error_has_the_shape_of_comprehend(client, content, headers, status, kind):
    target = {"x-amz-target": "Comprehend_20171127.DetectSentiment"}
    sent = {"content-type": "application/x-amz-json-1.1", **target, **headers}
    answer = client.post("/comprehend", content=content, headers=sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.json().keys() == {"__type", "Message"}
    assert answer.json()["__type"] == kind
