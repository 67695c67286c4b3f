"""Writes a template out: slots, choices, articles, capitals and marked spans.

``{product}`` is a word of a list, the same one in a whole group, and ``{product2}`` another one;
``[is|was]`` chooses a part of the text, and ``<- it feels flimsy>`` marks a span with a sentiment.
"""

import random
import re
from dataclasses import dataclass, field

from sagemaker_jobs.contrast.frames import SIGNS
from sagemaker_jobs.contrast.words import WordList

_SLOT = re.compile(r"\{([a-z_]+[+-]?)(\d?)\}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_MARK = re.compile(r"<([+0-]) |>")
_ARTICLE = re.compile(r"\b([Aa])n? (?=(?:<[+0-] )?([A-Za-z]+))")
_VOWEL_SOUND = re.compile(
    r"(?!(?:use|usu|usa|uni(?!n)|uti|eu|one\b|once|USB|UV))[aeiou]", re.IGNORECASE
)
_VOWEL_SPELLED = ("hour", "honest", "heir", "honour", "LED", "SD", "MP3", "HDMI")
_SENTENCE_START = re.compile(r"(?:^|[.!?]>? )[\"'(]?(?:<[+0-] )?(?!https?:|www)([a-z])")
_DOUBLED = ((re.compile(r" {2,}"), " "), (re.compile(r" ([,.!?;:])"), r"\1"))
Span = tuple[int, int, str]


@dataclass(slots=True)
class Fill:
    """The words and choices of one group of rows."""

    lists: dict[str, WordList]
    generator: random.Random
    entries: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)

    def write(self, template: str) -> tuple[str, list[Span]]:
        """The text of a template, and its marked spans as start, end and sentiment."""
        text = template
        while _CHOICE.search(text) or _SLOT.search(text):
            text = _CHOICE.sub(lambda choice: self._choose(choice[0], choice[1].split("|")), text)
            text = _SLOT.sub(lambda slot: self._word(slot[1], slot[2]), text)
        for pattern, replacement in _DOUBLED:
            text = pattern.sub(replacement, text)
        text = _ARTICLE.sub(_with_article, text.strip())
        text = _SENTENCE_START.sub(lambda start: start[0][:-1] + start[1].upper(), text)
        return _without_marks(text)

    def use(self, name: str, entry: tuple[tuple[str, ...], ...]) -> None:
        """Set the entry of a list."""
        self.entries[name, ""] = entry
        for one in self.lists[name].fields:
            self.chosen.pop(f"{{{one}}}", None)

    def _choose(self, key: str, alternatives: list[str]) -> str:
        if key not in self.chosen:
            self.chosen[key] = self.generator.choice(alternatives)
        return self.chosen[key]

    def _word(self, name: str, number: str) -> str:
        words = self.lists.get(name)
        if words is None:
            raise ValueError(f"no list has the field {name}")
        key = (words.name, number)
        if key not in self.entries:
            taken = [entry for (list_name, _), entry in self.entries.items() if list_name == key[0]]
            free = [entry for entry in words.entries if entry not in taken]
            self.entries[key] = self.generator.choice(free or words.entries)
        alternatives = self.entries[key][words.fields.index(name)]
        return self._choose(f"{{{name}{number}}}", list(alternatives))


def _with_article(article: re.Match[str]) -> str:
    word = article[2]
    vowel = bool(_VOWEL_SOUND.match(word)) or word.startswith(_VOWEL_SPELLED)
    return f"{article[1]}n " if vowel else f"{article[1]} "


def _without_marks(text: str) -> tuple[str, list[Span]]:
    parts: list[str] = []
    spans: list[Span] = []
    length, start, sign = 0, 0, ""
    for piece in re.split(r"(<[+0-] |>)", text):
        mark = _MARK.fullmatch(piece)
        if mark is None:
            parts.append(piece)
            length += len(piece)
        elif mark[1]:
            start, sign = length, mark[1]
        else:
            spans.append((start, length, str(SIGNS[sign].value)))
    return "".join(parts), spans
