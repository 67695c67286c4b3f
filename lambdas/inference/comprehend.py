"""Answers clients of Amazon Comprehend with the sentiments and aspects of our own routes."""

from fastapi.responses import JSONResponse
from starlette.responses import Response

from lambdas.inference.targets import Read, Target, find_targets
from shared.errors import ComprehendError
from shared.http.dialects import Dialect
from shared.runtime.cascade import SecondModel
from shared.runtime.encoder import Encoder
from shared.runtime.spans import TokenLogits
from shared.schemas.api import Probabilities, Problem, TextAnalysis
from shared.schemas.comprehend import (
    BATCH,
    LANGUAGES,
    MAX_TEXT_BYTES,
    MAX_TEXTS,
    MEDIA_TYPE,
    OPERATIONS,
    TARGET,
    TARGETED,
    ComprehendEntity,
    ComprehendFailure,
    ComprehendItemError,
    ComprehendMention,
    ComprehendMentionSentiment,
    ComprehendRequest,
    ComprehendResponse,
    ComprehendResult,
    ComprehendScore,
    ComprehendSentiment,
)
from shared.schemas.sentiment import Sentiment
from shared.schemas.text import has_visible_characters
from shared.serving.answers import text_analyses
from shared.serving.snapshots import Snapshot

_SENTIMENTS: dict[Sentiment, ComprehendSentiment] = {
    Sentiment.POSITIVE: "POSITIVE",
    Sentiment.NEGATIVE: "NEGATIVE",
    Sentiment.NEUTRAL: "NEUTRAL",
}
_FIRST_SERVER_ERROR, _UNAVAILABLE, _TOO_LARGE = 500, 503, 413
_TYPES = {
    "invalid_json": "SerializationException",
    "unsupported_media_type": "SerializationException",
    "route_not_found": "UnknownOperationException",
    "method_not_allowed": "UnknownOperationException",
}
"""Names of the errors of all routes; that of any other is ValidationException."""


class ComprehendJson(JSONResponse):
    """JSON with the media type of the protocol."""

    media_type = MEDIA_TYPE


def comprehend(
    snapshot: Snapshot,
    operation: str,
    request: ComprehendRequest,
    second: SecondModel | None = None,
) -> ComprehendResponse:
    """Answer POST /comprehend.

    Args:
        snapshot: the model.
        operation: one of OPERATIONS.
        request: what the operation reads.
        second: the second model of a cascade.

    Raises:
        ComprehendError: a field is missing, or a text or its language is not supported.
    """
    _check_language(request.language_code)
    if operation == BATCH:
        return _batch(snapshot.encoder, _texts(request), second)
    text = _text(request)
    (read,) = _read(snapshot.encoder, [text], second)
    if isinstance(read, ComprehendError):
        raise read
    if operation == TARGETED:
        return _targeted(text, snapshot.encoder, read)
    sentiment, score = _judged(read.analysis)
    return ComprehendResponse(sentiment=sentiment, sentiment_score=score)


def operation_of(target: str) -> str:
    """The operation that the header ``X-Amz-Target`` names.

    Raises:
        ComprehendError: it is not served; names those that are.
    """
    operation = target.removeprefix(f"{TARGET}.")
    if operation == target or operation not in OPERATIONS:
        served = ", ".join(OPERATIONS)
        message = f"{target[:100]!r} is not supported: {TARGET} has {served}."
        raise ComprehendError("UnsupportedOperation", message)
    return operation


def _check_language(code: str) -> None:
    if code not in LANGUAGES:
        message = f"LanguageCode: {code!r} is none of {', '.join(sorted(LANGUAGES))}"
        raise ComprehendError("ValidationException", message)
    if code != "en":
        message = f"LanguageCode: the model knows only English (en), not {code}"
        raise ComprehendError("UnsupportedLanguageException", message)


def _text(request: ComprehendRequest) -> str:
    if request.text is None:
        raise ComprehendError("ValidationException", "Text: Field required")
    if problem := _problem_of(request.text):
        raise problem
    return request.text


def _texts(request: ComprehendRequest) -> list[str]:
    if request.text_list is None:
        raise ComprehendError("ValidationException", "TextList: Field required")
    if (count := len(request.text_list)) > MAX_TEXTS:
        message = f"TextList: at most {MAX_TEXTS} texts are allowed, not {count}"
        raise ComprehendError("BatchSizeLimitExceededException", message)
    return request.text_list


def _problem_of(text: str) -> ComprehendError | None:
    if (size := len(text.encode())) > MAX_TEXT_BYTES:
        message = f"the text has {size} bytes in UTF-8: at most {MAX_TEXT_BYTES} are allowed"
        return ComprehendError("TextSizeLimitExceededException", message)
    if not has_visible_characters(text):
        return ComprehendError("ValidationException", "the text must not be blank")
    return None


def _read(
    encoder: Encoder, texts: list[str], second: SecondModel | None
) -> list[Read | ComprehendError]:
    """What POST /analyze/batch says of each text, or why it has no sentiment."""
    encoded = encoder.encode(texts)
    analyses = text_analyses(texts, encoded, encoder, second.cascade() if second else None)
    no_tokens: list[TokenLogits | None] = [None] * len(texts)
    tokens = encoded.tokens or no_tokens
    return [
        ComprehendError("UnsupportedLanguageException", reason)
        if reason
        else Read(analysis, tokens[row])
        for row, (analysis, reason) in enumerate(analyses)
    ]


def _batch(encoder: Encoder, texts: list[str], second: SecondModel | None) -> ComprehendResponse:
    answers: dict[int, Read | ComprehendError] = {
        row: problem for row, text in enumerate(texts) if (problem := _problem_of(text))
    }
    readable = [row for row in range(len(texts)) if row not in answers]
    read = _read(encoder, [texts[row] for row in readable], second) if readable else []
    answers.update(zip(readable, read, strict=True))
    results, errors = [], []
    for row, answer in sorted(answers.items()):
        if isinstance(answer, ComprehendError):
            error = {"error_code": answer.code, "error_message": answer.message}
            errors.append(ComprehendItemError(index=row, **error))
        else:
            sentiment, score = _judged(answer.analysis)
            results.append(ComprehendResult(index=row, sentiment=sentiment, sentiment_score=score))
    return ComprehendResponse(result_list=results, error_list=errors)


def _targeted(text: str, encoder: Encoder, read: Read) -> ComprehendResponse:
    mentions: dict[str, list[ComprehendMention]] = {}
    for target in find_targets(text, encoder, read):
        mentions.setdefault(target.aspect, []).append(_mention(text, target))
    return ComprehendResponse(
        entities=[ComprehendEntity(mentions=places) for places in mentions.values()]
    )


def _mention(text: str, target: Target) -> ComprehendMention:
    return ComprehendMention(
        text=text[target.start : target.end],
        mention_sentiment=ComprehendMentionSentiment(
            sentiment=_SENTIMENTS[target.sentiment], sentiment_score=_score(target.probabilities)
        ),
        begin_offset=target.start,
        end_offset=target.end,
    )


def _judged(analysis: TextAnalysis) -> tuple[ComprehendSentiment, ComprehendScore]:
    if analysis.sentiment is None or analysis.probabilities is None:
        raise AssertionError("a text without a sentiment is an error")
    sentiment = "MIXED" if analysis.mixed else _SENTIMENTS[analysis.sentiment]
    return sentiment, _score(analysis.probabilities)


def _score(probabilities: Probabilities) -> ComprehendScore:
    return ComprehendScore(**probabilities.model_dump())


def _error(problem: Problem) -> Response:
    name = problem.code if problem.code[0].isupper() else _TYPES.get(problem.code)
    status = problem.status
    if status >= _FIRST_SERVER_ERROR:
        is_down = status == _UNAVAILABLE
        name = "ServiceUnavailableException" if is_down else "InternalServerException"
    elif status != _TOO_LARGE:
        status = 400
    failure = ComprehendFailure(type=name or "ValidationException", message=problem.detail)
    return ComprehendJson(failure.model_dump(by_alias=True), status)


COMPREHEND = Dialect("comprehend", _error, MEDIA_TYPE)
