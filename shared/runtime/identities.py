"""Reads all words for who somebody is as one word, so that a sentiment does not depend on them."""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Spans = npt.NDArray[np.int64]

READ_AS = "local"
"""Replaces the words: it can stand wherever they can, and says nothing about a person."""

_ALWAYS = """
    afghan african african-american albanian algerian american amish anglican angolan arab arabic
    argentine argentinian armenian asian asian-american atheist australian austrian autistic
    azerbaijani bahraini bangladeshi baptist belarusian belgian bengali bi-sexual biracial bisexual
    bolivian bosnian brazilian british briton buddhist bulgarian burmese cambodian cameroonian
    canadian caribbean catalan catholic chechen chilean chinese christian cisgender colombian
    congolese costa-rican croat croatian cuban cypriot czech danish dominican dutch ecuadorian
    egyptian emirati englishman englishwoman episcopalian eritrean estonian ethiopian european
    evangelical fijian filipina filipino finnish flemish french frenchman frenchwoman gambian gay
    genderfluid genderqueer georgian german ghanaian greek guatemalan gujarati guyanese haitian
    hasidic heterosexual hindu hispanic homosexual honduran hungarian icelandic immigrant indian
    indigenous indonesian intersex inuit iranian iraqi irish irishman irishwoman israeli italian
    ivorian jamaican japanese jew jewish jordanian kazakh kenyan korean kosovar kurd kurdish
    kuwaiti laotian latina latino latinx latvian lebanese lesbian lgbt lgbtq liberian libyan
    lithuanian lutheran macedonian malagasy malawian malaysian malian maltese maori mauritian
    mennonite methodist mexican middle-aged mixed-race moldovan mongolian montenegrin mormon
    moroccan mozambican multiracial muslim namibian native-american nepalese nepali new-zealander
    nicaraguan nigerian non-binary nonbinary norwegian omani pagan pakistani palestinian
    panamanian pansexual paraguayan pentecostal persian peruvian portuguese presbyterian
    protestant puerto-rican punjabi qatari quaker queer rastafarian refugee romanian russian
    rwandan salvadoran samoan saudi scotsman scottish senegalese serbian shia shiite sikh
    singaporean slovak slovakian slovene slovenian somali spaniard spanish sri-lankan sudanese
    sunni swedish swiss syrian taiwanese tajik tamil tanzanian taoist thai tibetan togolese tongan
    transgender transgendered transsexual tunisian turkish turkmen ugandan ukrainian uruguayan
    uyghur uzbek venezuelan vietnamese welsh welshman wiccan yemeni zambian zimbabwean
"""
_CAPITALISED = "Cherokee Dane English Finn Kiwi Navajo Orthodox Pole Polish Roma Romani Serb Swede"
"""Words that mean something else in lower case."""
_BEFORE_PEOPLE = "black brown cis coloured native pole straight trans white"
"""Words that mean something else, except before a word for people."""
_PEOPLE = """
    actor actress adult artist author boss boy brother buyer child children colleague community
    couple coworker customer daughter doctor driver employee family father folk friend gentleman
    gentlemen girl guy husband kid lady landlord male man men mom mother mum neighbor neighbour
    nurse owner parent people person seller sister son student teacher teenager tourist veteran
    wife woman women worker female dad
"""


def _first(word: str) -> str:
    return word.lower().partition("-")[0]


_WORD = re.compile(r"[A-Za-z]+")
_ARTICLE = re.compile(r"\ban $", re.IGNORECASE)
_COLUMNS = (_ALWAYS, _CAPITALISED, _BEFORE_PEOPLE)
_FIRST_WORDS = {
    _first(word) + plural for words in _COLUMNS for word in words.split() for plural in ("", "s")
}


@cache
def _identity(first: str) -> re.Pattern[str]:
    """Matches the words for identities that begin with a word in lower case."""
    always, capitalised, before_people = (
        _any_of([word for word in words.split() if first in (own := _first(word), own + "s")])
        for words in _COLUMNS
    )
    return re.compile(
        rf"(?:(?i:{always})s?|(?:{capitalised})s?"
        rf"|(?i:{before_people})(?=[ ](?i:{_any_of(_PEOPLE.split())})s?\b))\b"
    )


def _any_of(words: Sequence[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(word.replace("-", "[- ]") for word in longest_first) or "(?!)"


class Replaced(NamedTuple):
    """A text with other words, and the position in the original of each of its characters."""

    text: str
    positions: Sequence[int]

    def characters(self, spans: Spans) -> Spans:
        """Spans of characters of the original, (n, 2), from those of the text; empty ones stay."""
        aligned = np.zeros_like(spans)
        for row, (start, end) in enumerate(spans):
            if start < end:
                aligned[row] = self.positions[start], self.positions[end - 1] + 1
        return aligned


def replace_identities(text: str) -> Replaced:
    """Replace each word for race, religion, nationality and orientation by the same word."""
    found = [
        identity.span()
        for word in _WORD.finditer(text)
        if (first := word[0].lower()) in _FIRST_WORDS
        and (identity := _identity(first).match(text, word.start()))
    ]
    if not found:
        return Replaced(text, range(len(text)))
    pieces: list[str] = []
    positions: list[int] = []
    place = 0
    for start, end in found:
        before = end_of_article = start
        if _ARTICLE.search(text, max(0, start - 4), start):
            before = start - 2  # "an" would betray the word behind it
            end_of_article = start - 1
        pieces += [text[place:before], text[end_of_article:start], READ_AS]
        positions += [*range(place, before), *range(end_of_article, start)]
        positions += [start] * (len(READ_AS) - 1) + [end - 1]
        place = end
    pieces.append(text[place:])
    positions += range(place, len(text))
    return Replaced("".join(pieces), positions)


class Reread(NamedTuple):
    """Texts whose sentiment is read from another text: ``rows`` of them, and the other texts."""

    rows: list[int]
    replaced: list[Replaced]

    @property
    def texts(self) -> list[str]:
        """The other texts."""
        return [each.text for each in self.replaced]

    def sources(self, count: int) -> list[int]:
        """The row with the sentiment of each of ``count`` texts, if ``texts`` follow them."""
        added = {row: count + place for place, row in enumerate(self.rows)}
        return [added.get(row, row) for row in range(count)]


def reread(texts: Sequence[str]) -> Reread:
    """The texts that have words for identities, and how those are read for the sentiment."""
    replaced = [replace_identities(text) for text in texts]
    rows = [row for row, text in enumerate(texts) if replaced[row].text != text]
    return Reread(rows, [replaced[row] for row in rows])
