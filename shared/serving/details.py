"""Details of an analysed text: its sentences, and the words that moved its sentiment."""

from shared.aspects.clauses import read_clauses
from shared.aspects.sentences import split_sentences
from shared.aspects.weights import weigh_words
from shared.runtime.spans import TokenLogits
from shared.schemas.api import SentenceAnalysis, TextAnalysis, Word
from shared.schemas.decisions import Rule
from shared.schemas.sentiment import LABELS

_DIGITS = 6


def sentences_of(
    text: str, analysis: TextAnalysis, tokens: TokenLogits, rule: Rule
) -> list[SentenceAnalysis] | None:
    """The sentences that the model has read; a single one has the sentiment of the text.

    Args:
        text: the text.
        analysis: of the whole text.
        tokens: the logits of its tokens.
        rule: the model's rule for sentences.

    Returns:
        None if the model does not understand the text.
    """
    if analysis.sentiment is None or analysis.confidence is None:
        return None
    spans = split_sentences(text)
    if len(spans) == 1:
        (start, end), sure = spans[0], bool(analysis.sure)
        whole = SentenceAnalysis(
            start=start,
            end=end,
            sentiment=analysis.sentiment,
            confidence=analysis.confidence,
            sure=sure,
        )
        return [whole]
    (clauses,) = read_clauses([text], [tokens], rule)
    rounded = (clause._replace(confidence=round(clause.confidence, _DIGITS)) for clause in clauses)
    return [SentenceAnalysis(**clause._asdict()) for clause in rounded]


def words_of(text: str, analysis: TextAnalysis, tokens: TokenLogits) -> list[Word] | None:
    """The words that the model has read, with their weights; None if it does not understand."""
    if analysis.sentiment is None:
        return None
    weights = weigh_words(text, tokens, LABELS.index(analysis.sentiment))
    return [
        Word(start=each.start, end=each.end, weight=round(each.weight, _DIGITS)) for each in weights
    ]
