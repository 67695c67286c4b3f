"""What the model reads of the text of a request."""

from typing import NamedTuple

from lambdas.inference.fusion import features_of
from shared.runtime.cascade import SecondModel
from shared.runtime.encoder import Encoder
from shared.runtime.fusion import Floats
from shared.schemas.api import SentenceAnalysis, TextAnalysis, Word
from shared.serving.answers import TEXT_TRUNCATED, text_analyses
from shared.serving.details import sentences_of, words_of

_NO_ANALYSIS = TextAnalysis(
    sentiment=None, confidence=None, probabilities=None, sentiment_modalities=[]
)


class ReadText(NamedTuple):
    """A text's analysis, vector (d,) and features for a fusion head (1, n); None without a text."""

    analysis: TextAnalysis = _NO_ANALYSIS
    vector: Floats | None = None
    features: Floats | None = None
    sentences: list[SentenceAnalysis] | None = None
    words: list[Word] | None = None
    warnings: tuple[str, ...] = ()


def read_text(text: str | None, encoder: Encoder, second: SecondModel | None) -> ReadText:
    """Read a text by one pass of the model, and by a second one where that is not sure."""
    if text is None:
        return ReadText()
    encoded = encoder.encode([text])
    cascade = second.cascade() if second else None
    ((analysis, reason),) = text_analyses([text], encoded, encoder, cascade)
    sentences, words = None, None
    if encoded.tokens is not None:
        (tokens,) = encoded.tokens
        sentences = sentences_of(text, analysis, tokens, encoder.decisions.sentence)
        words = words_of(text, analysis, tokens)
    warnings = [reason, TEXT_TRUNCATED if encoded.truncated[0] else None]
    return ReadText(
        analysis,
        encoded.embeddings[0],
        features_of(encoded, 0),
        sentences,
        words,
        tuple(filter(None, warnings)),
    )
