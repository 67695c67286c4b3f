"""Requests and answers in the shape of Amazon Comprehend."""

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_pascal

from shared.schemas.documented import Documented

MEDIA_TYPE = "application/x-amz-json-1.1"
MAX_TEXT_BYTES = 5000
MAX_TEXTS = 25
MAX_LISTED_TEXTS = 1000
"""A longer list is not even counted."""
TARGET = "Comprehend_20171127"
BATCH, TARGETED = "BatchDetectSentiment", "DetectTargetedSentiment"
OPERATIONS = ("DetectSentiment", BATCH, TARGETED)
LANGUAGES = frozenset({"en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"})
"""The languages of Comprehend; the model knows only English."""
ComprehendSentiment = Literal["POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED"]


class _Pascal(Documented):
    model_config = ConfigDict(alias_generator=to_pascal, validate_by_name=True, extra="forbid")


class ComprehendRequest(_Pascal):
    """Body of POST /comprehend: what the operation in ``X-Amz-Target`` reads."""

    text: str | None = Field(default=None, min_length=1)
    """Of ``DetectSentiment`` and ``DetectTargetedSentiment``: at most 5,000 bytes in UTF-8."""
    text_list: list[str] | None = Field(default=None, min_length=1, max_length=MAX_LISTED_TEXTS)
    """Of ``BatchDetectSentiment``: 1 to 25 texts. One that cannot be read is in ``ErrorList``."""
    language_code: str = Field(max_length=10)
    """``en``: the model knows only English. Other languages are refused."""


class ComprehendScore(_Pascal):
    """Calibrated probabilities of the sentiments."""

    positive: float
    """Probability that the text praises, 0 to 1."""
    negative: float
    """Probability that it complains, 0 to 1."""
    neutral: float
    """Probability that it does neither, 0 to 1."""
    mixed: float = 0.0
    """Always 0: the model has no probability of it. The other three sum to one."""


class ComprehendResult(_Pascal):
    """Sentiment of one text of a batch."""

    index: int
    """Place of the text in the list, from 0."""
    sentiment: ComprehendSentiment
    """``MIXED`` if one sentence is surely negative and another surely positive."""
    sentiment_score: ComprehendScore
    """How probable each sentiment is."""


class ComprehendItemError(_Pascal):
    """Why one text of a batch has no sentiment."""

    index: int
    """Place of the text in the list, from 0."""
    error_code: str
    """Name of the error that the text alone would have."""
    error_message: str
    """What is wrong with the text, for a person."""


class ComprehendMentionSentiment(_Pascal):
    """What the sentence of a mention says."""

    sentiment: ComprehendSentiment
    """Never ``MIXED``."""
    sentiment_score: ComprehendScore
    """How probable each sentiment is."""


class ComprehendMention(_Pascal):
    """An aspect in a sentence. There is no ``Score``: rules find aspects, not the model."""

    text: str
    """The words of the aspect as they are written, such as ``battery life``."""
    type: Literal["ATTRIBUTE"] = "ATTRIBUTE"
    """Always ``ATTRIBUTE``: aspects have no kinds."""
    mention_sentiment: ComprehendMentionSentiment
    """What is said of it there."""
    begin_offset: int
    """Place of its first character in the text, from 0, in Unicode code points."""
    end_offset: int
    """Place after its last character."""


class ComprehendEntity(_Pascal):
    """An aspect with all its mentions."""

    descriptive_mention_index: list[int] = Field(default_factory=lambda: [0])
    """Always the first mention."""
    mentions: list[ComprehendMention]
    """Where the text mentions it, in order."""


class ComprehendResponse(_Pascal):
    """The answer of an operation: the fields of other operations are absent."""

    sentiment: ComprehendSentiment | None = None
    """Of ``DetectSentiment``: the sentiment of the text."""
    sentiment_score: ComprehendScore | None = None
    """Of ``DetectSentiment``: how probable each sentiment is."""
    result_list: list[ComprehendResult] | None = None
    """Of ``BatchDetectSentiment``: the texts that the model understands, in order."""
    error_list: list[ComprehendItemError] | None = None
    """Of ``BatchDetectSentiment``: the texts without a sentiment, in order."""
    entities: list[ComprehendEntity] | None = None
    """Of ``DetectTargetedSentiment``: aspects in the order of their first mention."""


class ComprehendFailure(_Pascal):
    """An error in the shape of Amazon Comprehend."""

    type: str = Field(alias="__type")
    """Name of the exception, such as ``TextSizeLimitExceededException``."""
    message: str
    """What is wrong and, where there is something to do, what. It may change between releases."""
