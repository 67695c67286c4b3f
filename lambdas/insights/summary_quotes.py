"""Chooses the quotations of a summary: short, sure and in line with their reviews."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lambdas.insights.opinions import SENTIMENTS, Opinions, Side
from lambdas.insights.quotes import first_quotes
from lambdas.insights.wording import form_of, spoken_name
from shared.db.aspects.queries import AspectQueries
from shared.schemas.quotes import Quote

_MAX_CHARACTERS = 140
_MAX_READ_CHARACTERS = 400
"""Longer sentences are not quoted, but say how an aspect is written."""
_MIN_WORDS = 4
_MAX_WORDS = 24
_MAX_REVIEWS = 60
"""Of each aspect and side."""
_POINTING = r"(?:this|these|my|your|our|his|her|their)"
_MIN_POINTING_SHARE = 0.15
_ABSENT = r"(?:no|not|zero|without|any|never|free of)"
_MIN_ABSENT_SHARE = 0.4
_MAX_START = 40
"""Characters of a sentence before its aspect: else it is about something else first."""
_MOODS: Mapping[Side, int] = {"praise": 1, "complaint": -1}
_ODD = re.compile(
    r"https?:|www\.|[<>{}|\\^~_=*]|&\w*;|\[\[|[A-Z]{3,} [A-Z]{2,}|[“”\"]"
    r"|[a-z][.!?,;:)][A-Za-z0-9]|[a-z]{3}[A-Z]|\d\)|\d\.[A-Za-z]|\.\.|,\.|[-\u2013\u2014(:,/]$|  "
)
"""Addresses, markup, several words in capitals, quotations, lists and missing spaces."""
_CONTINUES = re.compile(
    r"(?:but|however|although|though|yet|and|or|so|because|also|then|which|true|on the other)\b",
    re.IGNORECASE,
)


class QuoteChooser:
    """Reads what reviews say of some aspects, once; each sentence is quoted at most once."""

    def __init__(self, queries: AspectQueries, asked: Iterable[Opinions]) -> None:
        """Read the sentences.

        Args:
            queries: reads them.
            asked: the aspects.
        """
        self._moods: dict[str, int] = {}
        aspects = []
        for opinions in asked:
            aspects.append(opinions.aspect)
            for side, mood in _MOODS.items():
                # a review that agrees as a whole is the better witness
                willing = sorted(opinions.of(side), key=lambda each: each.mood != mood)
                self._moods |= {each.review_id: each.mood for each in willing[:_MAX_REVIEWS]}
        self._rows = (
            queries.sentences(list(self._moods), aspects, _MAX_READ_CHARACTERS)
            if self._moods
            else []
        )
        self._used: set[str] = set()

    def is_a_thing_itself(self, aspect: str) -> bool:
        """Whether an aspect is the product, or a thing of the reviewer: "this dress", "my phone".

        It is one if reviews point at it often.
        """
        texts = [row["text"] for row in self._rows if row["aspect"] == aspect]
        pointed = _count_after(_POINTING, aspect, texts)
        return pointed >= max(2, _MIN_POINTING_SHARE * len(texts))

    def is_praised_for_absence(self, aspect: str) -> bool:
        """Whether what is praised is that there is none of it: "no wobble", "without viruses"."""
        texts = [
            row["text"]
            for row in self._rows
            if row["aspect"] == aspect and row["sentiment"] == SENTIMENTS["praise"]
        ]
        return _count_after(_ABSENT, aspect, texts) >= max(1, _MIN_ABSENT_SHARE * len(texts))

    def name(self, aspect: str) -> str:
        """The aspect with its article, as these sentences write it."""
        return spoken_name(aspect, (row["text"] for row in self._rows if row["aspect"] == aspect))

    def choose(self, aspect: str, side: Side) -> Quote | None:
        """The best sentence that praises an aspect or complains about it; None: none is fit."""
        fit = [
            row
            for row in self._rows
            if row["aspect"] == aspect
            and row["sentiment"] == SENTIMENTS[side]
            and row["text"].casefold() not in self._used
            and _is_fit(row["text"])
        ]
        best = min(fit, key=lambda row: self._rank(row, side), default=None)
        if best is None:
            return None
        self._used.add(best["text"].casefold())
        return first_quotes([best])[0]

    def choose_from(self, quotes: Iterable[Quote], side: Side) -> Quote | None:
        """The first of some quotes that is fit and on that side."""
        for quote in quotes:
            text = quote.text.casefold()
            fits = quote.sentiment == SENTIMENTS[side] and _is_fit(quote.text)
            if fits and text not in self._used:
                self._used.add(text)
                return quote
        return None

    def _rank(self, row: Mapping[str, Any], side: Side) -> tuple[bool, bool, bool, float]:
        """The best first: its review agrees, it is a whole sentence, about the aspect, and sure."""
        text = row["text"]
        start = re.search(form_of(row["aspect"]), text, re.IGNORECASE)
        return (
            self._moods.get(row["review_id"]) != _MOODS[side],
            not text[0].isupper() or bool(_CONTINUES.match(text)),
            start is None or start.start() > _MAX_START,
            -row["confidence"],
        )


def _count_after(words: str, aspect: str, texts: Iterable[str]) -> int:
    """In how many texts one of some words stands before an aspect, with one between or none."""
    pattern = re.compile(rf"\b{words}\s+(?:[\w-]+\s+)?{form_of(aspect)}", re.IGNORECASE)
    return sum(bool(pattern.search(text)) for text in texts)


def _is_fit(text: str) -> bool:
    words = text.split()
    return (
        len(text) <= _MAX_CHARACTERS
        and _MIN_WORDS <= len(words) <= _MAX_WORDS
        and text[0].isalnum()
        and not _ODD.search(text)
    )
