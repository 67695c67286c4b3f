"""The words of a text, and how many of them are English."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from shared.aspects.tagging import is_known_word
from shared.language.foreign_words import FOREIGN_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # noqa: RUF001 - reviews contain this apostrophe
_CLITIC = re.compile(r"('s|'re|'ve|'ll|'d|'m|n't)$")
_JOINED = re.compile(r"(?<=[a-z]{2})(?=[A-Z]{2}|[A-Z][a-z])")
_STRETCHED = re.compile(r"(.)\1{2,}")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_UNLISTED = _set(
    "awsome awesomee excelent excellant execellent gud gd gr greatt grt nyc osm osam osum ausome"
    " awsm awsom owsome avarage thnx thx pls plz vry soo sooo spr noice"
    " qlty qulity qualitty prodct produt porduct prduct recomended recomend dissapointed"
    " disapointed definately delivary bettery battry hadphone headphone earphone waranty terrefic"
    " cheep superb upto vasool wasool usb wifi hdmi led tv app apps pc pic pics iphone ipad samsung"
    " alexa amazon kindle bluetooth flipkart antivirus vfm dnf okey okayish fab soso"
    " lol omg meh yay wow ugh yuck yummy nope yep yup nah"
    " hm hmm um umm uh eh ehh phew blah yum wowee bravo brill"
)
"""Frequent misspellings, and names and exclamations, that the lexicon does not have."""
_ENDINGS = ("ing", "ed", "ly", "er", "est", "ness", "able")
_MIN_STEM_LETTERS = 3
_SHARED_WORDS = _set(
    "a am an as at be bin data de den des die et gut ha hat he heel hem i il in is it its la le"
    " les man mast me mi more no non of on par pas pour ser so solo son tan te the to tot un use"
    " van via war was we y"
)
"""Words that are frequent in other languages as well: weak evidence of English."""
STRONG_EVIDENCE, _WEAK_EVIDENCE = 2.0, 0.3
_UNKNOWN_WORD, _NAME, _LETTER, FOREIGN_EVIDENCE = -1.2, -0.3, 0.0, -2.5
_MIN_MISSPELLED_LETTERS, _MAX_MISSPELLED_LETTERS = 6, 20
_VOWELS = "aeiou"


def words_of(text: str) -> list[str]:
    """The words of a text; without product codes and numbers."""
    chunks = text.split()
    if any(map(_has_digit, chunks)):
        text = " ".join(chunk for chunk in chunks if not _has_digit(chunk))
    # "goodREAD MORE" and "CleanMyMac" are several words
    return _WORD.findall(_JOINED.sub(" ", text))


def english_evidence(words: Sequence[str]) -> list[float]:
    """How much each word speaks for English: above zero for it, below zero against it."""
    shouted = all(map(str.isupper, words))
    return [
        _evidence(word, may_be_name=place > 0 and not shouted) for place, word in enumerate(words)
    ]


@lru_cache(maxsize=65_536)
def _evidence(word: str, *, may_be_name: bool) -> float:
    lower = word.lower().replace("’", "'")  # noqa: RUF001 - as above
    if lower in _SHARED_WORDS:
        return _WEAK_EVIDENCE
    if lower in FOREIGN_WORDS:
        return FOREIGN_EVIDENCE
    if _is_english(lower):
        return STRONG_EVIDENCE
    if len(lower) == 1 and lower.isascii():
        return _LETTER
    return _NAME if may_be_name and word[0].isupper() else _UNKNOWN_WORD


@lru_cache(maxsize=4096)
def is_misspelled(word: str) -> bool:
    """Whether a word is English but for one vowel, doubled letter or swap of letters inside it.

    The first and last two letters must be right: "producto" and "excelente" are not English.
    """
    lower = word.lower()
    if not _MIN_MISSPELLED_LETTERS <= len(lower) <= _MAX_MISSPELLED_LETTERS or not lower.isascii():
        return False
    return any(map(is_known_word, _corrections(lower)))


def _corrections(word: str) -> Iterator[str]:
    for place in range(2, len(word) - 2):
        head, letter, tail = word[:place], word[place], word[place + 1 :]
        yield head + tail
        yield head + tail[0] + letter + tail[1:]
        for vowel in _VOWELS:
            yield head + vowel + tail
            yield head + vowel + letter + tail
        yield head + letter + letter + tail


def _is_english(lower: str) -> bool:
    if not lower.isascii():
        return False
    stem = _CLITIC.sub("", lower)
    if any(map(_is_listed, (lower, stem))):
        return True
    # "soooo goood"
    return lower != (short := _STRETCHED.sub(r"\1\1", lower)) and (
        _is_listed(short) or _is_listed(_STRETCHED.sub(r"\1", lower))
    )


def _is_listed(word: str) -> bool:
    return word in _UNLISTED or is_known_word(word) or any(map(is_known_word, _stems(word)))


def _stems(word: str) -> Iterator[str]:
    """The words that a word with a usual ending may be made of."""
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _MIN_STEM_LETTERS:
            yield stem
            yield f"{stem}e"
            if stem[-1] == stem[-2]:
                yield stem[:-1]
            if stem[-1] == "i":
                yield f"{stem[:-1]}y"


def _has_digit(chunk: str) -> bool:
    return not chunk.isalpha() and any(map(str.isdigit, chunk))
