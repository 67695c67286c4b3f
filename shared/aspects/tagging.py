"""Tags the words of a sentence with their classes, using a lexicon, endings and context.

The lexicon has the usual class of a word. The words before and after it correct that class: "the
fit" and "build quality" are nouns, "to charge" and "they case it" are verbs.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from shared.aspects.words import (
    ADVERBS,
    ALWAYS_PLURAL,
    ARTICLES,
    AUXILIARIES,
    BEFORE_VERBS,
    CONJUNCTIONS,
    DEGREE_ADVERBS,
    DEMONSTRATIVES,
    IRREGULAR_PAST_FORMS,
    IRREGULAR_PLURALS,
    LINKING_VERBS,
    PREPOSITIONS,
    PRONOUNS,
    SUBJECT_PRONOUNS,
    THIRD_PERSON_SUBJECTS,
)

_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d[\w.,%]*|[^\w\s]+|_+")  # noqa: RUF001 - reviews contain this apostrophe
_CLITIC = re.compile(r"(.+?)('s|'re|'ve|'ll|'d|'m|n't)")
_FUNCTION_WORDS = {
    **dict.fromkeys(ADVERBS, "r"),
    **dict.fromkeys(CONJUNCTIONS, "c"),
    **dict.fromkeys(PREPOSITIONS, "i"),
    **dict.fromkeys(AUXILIARIES, "x"),
    **dict.fromkeys(PRONOUNS, "p"),
    **dict.fromkeys(DEMONSTRATIVES, "t"),
    **dict.fromkeys(ARTICLES, "d"),
}
_ADJECTIVE_ENDINGS = ("able", "ible", "ful", "ous", "ive", "less", "ish", "ical", "ial", "esque")
_ES_PLURALS = ("ches", "shes", "sses", "xes", "zes")
_MAX_WORD_CHARACTERS = 30


class Token(NamedTuple):
    """A word in lower case and its class.

    n noun, v verb, j adjective, r adverb, g form in -ing, d article or possessive, t demonstrative,
    p pronoun, x auxiliary, i preposition, c conjunction, f other, m name, # number,
    . punctuation; ^ and $ are the start and the end of the sentence.
    """

    word: str
    kind: str


_START, _STOP = Token("", "^"), Token("", "$")


@lru_cache(maxsize=1)
def lexicon() -> dict[str, str]:
    """Load the lexicon: word to its usual class."""
    classes: dict[str, str] = {}
    path = Path(__file__).with_name("english.lexicon")
    for line in path.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            kind, *words = line.split()
            classes.update(dict.fromkeys(words, kind))
    return classes


@lru_cache(maxsize=65_536)
def singular(word: str) -> str:
    """Singular of a noun: a word of the lexicon if possible, otherwise by its ending."""
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    classes = lexicon()
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word
    if word in ALWAYS_PLURAL or classes.get(word) == "n":
        return word
    candidates = [word[:-1]]
    if word.endswith("ies"):
        candidates.append(word[:-3] + "y")
    elif word.endswith("es"):
        candidates.append(word[:-2])
    for candidate in candidates:
        if classes.get(candidate) == "n":
            return candidate
    if word.endswith("ies") and len(word) > 4:
        return candidates[1]
    return candidates[-1 if word.endswith(_ES_PLURALS) else 0]


def tag(sentence: str) -> list[Token]:
    """Tag the words of a sentence; a clitic is a separate word."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(sentence):
        raw = match.group()
        word = _lower(raw)
        parts = _CLITIC.fullmatch(word)
        if parts:
            tokens += [
                _tag_word(parts[1], raw, bool(tokens)),
                Token(parts[2], _FUNCTION_WORDS[parts[2]]),
            ]
        else:
            tokens.append(_tag_word(word, raw, bool(tokens)))
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else _START
        first = tokens[place - 2] if place > 1 else _START
        after = tokens[place + 1] if place + 1 < len(tokens) else _STOP
        if (
            token.kind == "n"
            and before.word in THIRD_PERSON_SUBJECTS
            and _may_be_third_person(token.word)
        ):
            tokens[place] = Token(token.word, "v")
            continue
        if token.kind == "v" and token.word in IRREGULAR_PAST_FORMS:
            continue
        kind = _CORRECTIONS[token.kind](first, before, after) if token.kind in "nvg" else ""
        if kind:
            tokens[place] = Token(token.word, kind)
    return tokens


def token_spans(sentence: str) -> list[tuple[int, int]]:
    """First character and end of each word that ``tag`` returns."""
    spans: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(sentence):
        start, end = match.span()
        parts = _CLITIC.fullmatch(_lower(match.group()))
        middle = end - len(parts[2]) if parts else end
        spans.append((start, middle))
        if parts:
            spans.append((middle, end))
    return spans


def _lower(raw: str) -> str:
    return raw.lower().replace("’", "'")  # noqa: RUF001 - reviews contain this apostrophe


def _may_be_third_person(word: str) -> bool:
    """Whether a noun may be a verb in the third person: "it charges"."""
    return word.endswith("s") and singular(word) != word


def is_english(tokens: Sequence[Token]) -> bool:
    """Whether at least half of the words are known: unknown words are tagged as nouns."""
    words = [token.word for token in tokens if token.kind not in ".#m"]
    return 2 * sum(map(is_known_word, words)) >= len(words)


def is_known_word(word: str) -> bool:
    """Whether a word in lower case is an English one."""
    return (
        word in _FUNCTION_WORDS or word in lexicon() or singular(word) in lexicon() or "-" in word
    )


def _tag_word(word: str, raw: str, inside: bool) -> Token:  # noqa: FBT001 - private
    """Tag a word without context; ``inside``: it is not the first word of the sentence."""
    if not word[0].isalpha():
        return Token(word, _FUNCTION_WORDS.get(word) or ("#" if word[0].isdigit() else "."))
    kind = _usual_class(word)
    if inside and kind == "n" and _is_name(word, raw):
        kind = "m"
    return Token(word, kind)


def _is_name(word: str, raw: str) -> bool:
    """Whether a word is capitalised and not in the lexicon: a brand or a town."""
    return raw[0].isupper() and not raw.isupper() and singular(word) not in lexicon()


@lru_cache(maxsize=65_536)
def _usual_class(word: str) -> str:
    if word in _FUNCTION_WORDS:
        return _FUNCTION_WORDS[word]
    if len(word) == 1 or len(word) > _MAX_WORD_CHARACTERS or "'" in word or not word.isascii():
        return "f"
    classes = lexicon()
    kind = classes.get(word) or _class_by_ending(word)
    if kind or "-" not in word:
        if not kind and word.endswith("s") and classes.get(singular(word), "n") in "vf":
            return "v"
        return kind or "n"
    last = _usual_class(word.rpartition("-")[2])
    return last if last in "ngv" else "j"


def _class_by_ending(word: str) -> str | None:
    if len(word) > 4 and word.endswith("ly"):
        return "r"
    if len(word) > 5 and word.endswith("ing"):
        return "g"
    if len(word) > 4 and word.endswith("ed"):
        return "v"
    return "j" if len(word) > 5 and word.endswith(_ADJECTIVE_ENDINGS) else None


def _correct_noun(_first: Token, before: Token, after: Token) -> str:
    if before.word in BEFORE_VERBS or before.word in SUBJECT_PRONOUNS:
        return "" if before.word == "to" and after.kind in "xi.$c" else "v"
    if before.word in DEGREE_ADVERBS and after.kind != "n":
        return "j"
    if before.kind in "px" and after.kind in "dp" and before.word not in LINKING_VERBS:
        return "v"
    return ""


def _correct_verb(first: Token, before: Token, after: Token) -> str:
    if before.word in BEFORE_VERBS or before.word in SUBJECT_PRONOUNS:
        return ""
    if before.kind == "d" or before.word in {"of", "for", "with"}:
        return "n"
    if before.kind == "j" and (first.kind == "d" or after.kind in ".$x"):
        return "n"
    if before.kind == "n" and after.kind == "n" and first.kind == "d":
        return "n"
    return "n" if after.kind == "x" and before.kind in "^.c" else ""


def _correct_ing(first: Token, before: Token, after: Token) -> str:
    if after.kind in "dtp":
        return ""
    noun_contexts = (
        before.kind == "d",
        before.kind == "j" and (first.kind == "d" or after.kind in ".$ci"),
        after.kind == "x" and before.kind in "^.cnj",
        after.kind in ".$c" and before.kind in "nj" and before.word not in LINKING_VERBS,
        after.kind == "v" and before.kind in "^.c",
        before.kind == "n" and after.kind == "n",
    )
    return "n" if any(noun_contexts) else ""


_CORRECTIONS = {"n": _correct_noun, "v": _correct_verb, "g": _correct_ing}
