"""Detects the language of a text.

py3langid compares byte sequences with those of 140 languages. It is reliable for a sentence and not
for a word, so the share of known English words counts as well.
"""

import math
import threading
from functools import lru_cache

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from shared.language.words import (
    FOREIGN_EVIDENCE,
    STRONG_EVIDENCE,
    english_evidence,
    is_misspelled,
    words_of,
)

ENGLISH = "en"
UNDETERMINED = "und"
"""Code of a text without words, and of one that is too short to decide (ISO 639-2)."""
_MAX_CHARACTERS = 500
_MIN_PROBABILITY = 0.3
"""Below it, a language other than English is not named."""
_CERTAIN = 0.7
"""From it on, a text of English words may be in another language: "die war gut"."""
_MAX_EVIDENCE = 6.0
_MIN_ODDS = -1.0
"""English is the default: reviews in another language are rare, and rarely this short."""
_SMALLEST = 1e-6
_MIN_FOREIGN_WORDS = 2
"""As many function words of other languages decide, unless more words are English."""
_MAX_MISSPELLED_WORDS = 3
"""Misspelled words are looked up in texts of at most this many words."""
_ALIASES = {"nn": "no", "wuu": "zh", "yue": "zh", "ary": "ar", "arz": "ar"}
_DROPPED = frozenset({"an", "br", "eo", "fo", "la", "oc", "se", "vo", "wa"})
"""Languages without reviews, which short texts of other languages are often taken for."""
_lock = threading.Lock()


def detect(text: str) -> str:
    """The language of a text as an ISO 639-1 code, or ``und``.

    Args:
        text: a review, without emoji.
    """
    words = words_of(text[:_MAX_CHARACTERS])
    if not words:
        return UNDETERMINED
    evidence = english_evidence(words)
    probabilities = _probabilities(" ".join(words))
    english = probabilities.pop(ENGLISH)
    best = max(probabilities, key=probabilities.__getitem__)
    if min(evidence) > 0 and max(evidence) == STRONG_EVIDENCE and probabilities[best] < _CERTAIN:
        return ENGLISH
    if _is_mostly_foreign(evidence):
        return best if probabilities[best] >= _MIN_PROBABILITY else UNDETERMINED
    odds = math.log((english + _SMALLEST) / (probabilities[best] + _SMALLEST))
    if odds + max(-_MAX_EVIDENCE, min(_MAX_EVIDENCE, sum(evidence))) > _MIN_ODDS:
        return ENGLISH
    if len(words) <= _MAX_MISSPELLED_WORDS and any(map(is_misspelled, words)):
        return ENGLISH
    return best if probabilities[best] >= _MIN_PROBABILITY else UNDETERMINED


def _is_mostly_foreign(evidence: list[float]) -> bool:
    foreign = evidence.count(FOREIGN_EVIDENCE)
    return foreign >= max(_MIN_FOREIGN_WORDS, evidence.count(STRONG_EVIDENCE))


def _probabilities(text: str) -> dict[str, float]:
    merged: dict[str, float] = {}
    for code, probability in _identifier().rank(text):
        merged[_ALIASES.get(code, code)] = merged.get(_ALIASES.get(code, code), 0) + probability
    return merged


def _identifier() -> LanguageIdentifier:
    with _lock:
        return _load()


@lru_cache(maxsize=1)
def _load() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    codes = {code for code in identifier.labels if len(code) == 2} - _DROPPED
    identifier.set_languages(codes | set(_ALIASES) & set(identifier.labels))
    # scores are sums of whole rows
    identifier.nb_ptc = np.ascontiguousarray(identifier.nb_ptc)
    return identifier
