"""Which words of a sentence are nouns: by a lexicon, endings, and the words around.

A lexicon knows one class of a word. What stands before and after it corrects that: "the fit" and
"build quality" are nouns, "to charge" and "they case it" are not.
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
    BEING,
    CONJUNCTIONS,
    DEGREES,
    PAST,
    PLURALS,
    POINTERS,
    PREPOSITIONS,
    PRONOUNS,
    SUBJECTS,
    THIRD_PERSONS,
)

_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d[\w.,%]*|[^\w\s]+|_+")  # noqa: RUF001 - an apostrophe that reviews have
_CLITIC = re.compile(r"(.+?)('s|'re|'ve|'ll|'d|'m|n't)")
_CLOSED = {
    **dict.fromkeys(ADVERBS, "r"),
    **dict.fromkeys(CONJUNCTIONS, "c"),
    **dict.fromkeys(PREPOSITIONS, "i"),
    **dict.fromkeys(AUXILIARIES, "x"),
    **dict.fromkeys(PRONOUNS, "p"),
    **dict.fromkeys(POINTERS, "t"),
    **dict.fromkeys(ARTICLES, "d"),
}
_ADJECTIVES = ("able", "ible", "ful", "ous", "ive", "less", "ish", "ical", "ial", "esque")
_LONGEST_WORD = 30


class Token(NamedTuple):
    """A word in lower case and its class.

    n noun, v verb, j adjective, r adverb, g form in -ing, d article or possessive, t pointer, p
    pronoun, x auxiliary, i preposition, c conjunction, f other, m name, # number, . mark; ^ and $
    are the ends.
    """

    word: str
    kind: str


_START, _STOP = Token("", "^"), Token("", "$")


@lru_cache(maxsize=1)
def lexicon() -> dict[str, str]:
    """Word → its usual class."""
    known: dict[str, str] = {}
    path = Path(__file__).with_name("english.lexicon")
    for line in path.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            kind, *words = line.split()
            known.update(dict.fromkeys(words, kind))
    return known


@lru_cache(maxsize=65_536)
def singular(word: str) -> str:
    """A noun's singular: the one that the lexicon knows, else by its ending."""
    if word in PLURALS:
        return PLURALS[word]
    known = lexicon()
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word
    if word in ALWAYS_PLURAL or known.get(word) == "n":
        return word
    tries = [word[:-1]]
    if word.endswith("ies"):
        tries.append(word[:-3] + "y")
    elif word.endswith("es"):
        tries.append(word[:-2])
    for made in tries:
        if known.get(made) == "n":
            return made
    if word.endswith("ies") and len(word) > 4:
        return tries[1]
    return tries[-1] if word.endswith(("ches", "shes", "sses", "xes", "zes")) else tries[0]


def tagged(sentence: str) -> list[Token]:
    """The words of a sentence with their classes, a clitic as a word of its own."""
    found: list[Token] = []
    for match in _TOKEN.finditer(sentence):
        raw = match.group()
        word = raw.lower().replace("’", "'")  # noqa: RUF001 - as above
        parts = _CLITIC.fullmatch(word)
        if parts:
            found += [_alone(parts[1], raw, bool(found)), Token(parts[2], _CLOSED[parts[2]])]
        else:
            found.append(_alone(word, raw, bool(found)))
    for place, token in enumerate(found):
        before = found[place - 1] if place else _START
        first = found[place - 2] if place > 1 else _START
        after = found[place + 1] if place + 1 < len(found) else _STOP
        if token.kind == "n" and before.word in THIRD_PERSONS and _may_be_verb(token.word):
            found[place] = Token(token.word, "v")
            continue
        if token.kind == "v" and token.word in PAST:
            continue
        kind = _CORRECTIONS[token.kind](first, before, after) if token.kind in "nvg" else ""
        if kind:
            found[place] = Token(token.word, kind)
    return found


def _may_be_verb(word: str) -> bool:
    """Whether it may be one of the third person: "it charges", where the lexicon knows a noun."""
    return word.endswith("s") and singular(word) != word


def is_english(tokens: Sequence[Token]) -> bool:
    """Whether at least half of the words are known: of another language all are nouns to us."""
    words = [token.word for token in tokens if token.kind not in ".#m"]
    return 2 * sum(map(_is_known, words)) >= len(words)


def _is_known(word: str) -> bool:
    return word in _CLOSED or word in lexicon() or singular(word) in lexicon() or "-" in word


def _alone(word: str, raw: str, inside: bool) -> Token:  # noqa: FBT001 - private
    """A word by itself; ``inside``: it does not begin the sentence."""
    if not word[0].isalpha():
        return Token(word, _CLOSED.get(word) or ("#" if word[0].isdigit() else "."))
    kind = _usual(word)
    if inside and kind == "n" and _is_name(word, raw):
        kind = "m"
    return Token(word, kind)


def _is_name(word: str, raw: str) -> bool:
    """Written with a capital, and nothing that the lexicon knows: a brand, a town."""
    return raw[0].isupper() and not raw.isupper() and singular(word) not in lexicon()


@lru_cache(maxsize=65_536)
def _usual(word: str) -> str:
    if word in _CLOSED:
        return _CLOSED[word]
    if len(word) == 1 or len(word) > _LONGEST_WORD or "'" in word or not word.isascii():
        return "f"
    known = lexicon()
    found = known.get(word) or _by_ending(word)
    if found or "-" not in word:
        if not found and word.endswith("s") and known.get(singular(word), "n") in "vf":
            return "v"
        return found or "n"
    last = _usual(word.rpartition("-")[2])
    return last if last in "ngv" else "j"


def _by_ending(word: str) -> str | None:
    if len(word) > 4 and word.endswith("ly"):
        return "r"
    if len(word) > 5 and word.endswith("ing"):
        return "g"
    if len(word) > 4 and word.endswith("ed"):
        return "v"
    return "j" if len(word) > 5 and word.endswith(_ADJECTIVES) else None


def _noun(_first: Token, before: Token, after: Token) -> str:
    if before.word in BEFORE_VERBS or before.word in SUBJECTS:
        return "" if before.word == "to" and after.kind in "xi.$c" else "v"
    if before.word in DEGREES and after.kind != "n":
        return "j"
    if before.kind in "px" and after.kind in "dp" and before.word not in BEING:
        return "v"
    return ""


def _verb(first: Token, before: Token, after: Token) -> str:
    if before.word in BEFORE_VERBS or before.word in SUBJECTS:
        return ""
    if before.kind == "d" or before.word in {"of", "for", "with"}:
        return "n"
    if before.kind == "j" and (first.kind == "d" or after.kind in ".$x"):
        return "n"
    if before.kind == "n" and after.kind == "n" and first.kind == "d":
        return "n"
    return "n" if after.kind == "x" and before.kind in "^.c" else ""


def _ing(first: Token, before: Token, after: Token) -> str:
    if after.kind in "dtp":
        return ""
    told = (
        before.kind == "d",
        before.kind == "j" and (first.kind == "d" or after.kind in ".$ci"),
        after.kind == "x" and before.kind in "^.cnj",
        after.kind in ".$c" and before.kind in "nj" and before.word not in BEING,
        after.kind == "v" and before.kind in "^.c",
        before.kind == "n" and after.kind == "n",
    )
    return "n" if any(told) else ""


_CORRECTIONS = {"n": _noun, "v": _verb, "g": _ing}
