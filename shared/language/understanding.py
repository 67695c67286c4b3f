"""Decides whether the model understands a text."""

from typing import NamedTuple

from shared.language.detection import ENGLISH, UNDETERMINED, detect
from shared.runtime.emoji import remove_emoji

MODEL_LANGUAGES = frozenset({ENGLISH})
"""Languages of the texts that models are trained on."""
MAX_UNKNOWN_SHARE = 0.5
"""Share of unknown tokens above which a text is not understood."""


class TextLanguage(NamedTuple):
    """The language of a text (ISO 639-1 or ``und``), and whether the model understands the text."""

    language: str
    understood: bool


def language_of(text: str, unknown_share: float) -> TextLanguage:
    """Detect the language of a text and decide whether the model understands it.

    A text of emoji alone is in no language, but understood: the encoder reads emoji as words.

    Args:
        text: what the encoder reads.
        unknown_share: share of its tokens that the model's tokenizer does not know.
    """
    plain = remove_emoji(text)
    language = detect(plain)
    has_letters = any(map(str.isalpha, plain))
    known = language in MODEL_LANGUAGES or (
        language == UNDETERMINED and plain != text and not has_letters
    )
    return TextLanguage(language, known and unknown_share <= MAX_UNKNOWN_SHARE)
