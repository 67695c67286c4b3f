"""Who praises and who complains about each aspect, among the newest reviews."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple

from shared.statistics.hypergeometric import tail

Side = Literal["praise", "complaint"]
SENTIMENTS: Mapping[Side, str] = {"praise": "positive", "complaint": "negative"}
"""The sentiment of sentences on each side."""

_MIN_OPINIONS = 2
"""Reviews that say the same of an aspect, below which it is not worth a sentence."""
_MAX_FOLLOWING = 2
_MIN_FOLLOWING_SHARE = 0.4
"""Of the reviews of the first aspect, to be named after it."""
_MIN_DISSENT_SHARE = 0.1
"""Of the reviews that mention an aspect."""
_MIN_HALF = 5
"""Reviews that each half of a trend needs."""
_MIN_TREND_COMPLAINTS = 4
"""In both halves together."""
_MAX_P_VALUE = 0.025
"""On each side."""


class Reading(NamedTuple):
    """A review that was read for aspects."""

    review_id: str
    day: date | None
    mood: int
    """Its own sentiment: -1, 0 or 1."""


@dataclass(slots=True)
class Opinions:
    """The reviews that speak of an aspect, newest first."""

    aspect: str
    praise: list[Reading] = field(default_factory=list)
    complaint: list[Reading] = field(default_factory=list)
    mention: list[Reading] = field(default_factory=list)

    def of(self, side: Side) -> list[Reading]:
        """Those of one side; a review that does both is on both."""
        return self.praise if side == "praise" else self.complaint


class Trend(NamedTuple):
    """How many complain in the older and in the newer half of the reviews with a date."""

    newer_from: date
    """First day of the newer half."""
    complaints_older: int
    older: int
    complaints_newer: int
    newer: int

    @property
    def direction(self) -> int:
        """1: more complain than before, -1: fewer, 0: the difference may be chance."""
        total = self.older + self.newer
        complaints = self.complaints_older + self.complaints_newer
        if tail(total, complaints, self.newer, self.complaints_newer) > _MAX_P_VALUE:
            return 0
        return 1 if self.complaints_newer * self.older > self.complaints_older * self.newer else -1


def read_opinions(
    rows: Iterable[Mapping[str, Any]], aspects: Sequence[str]
) -> tuple[list[Reading], list[Opinions]]:
    """All reviews and the opinions about each aspect, from rows of ImpactQueries."""
    readings, opinions = [], [Opinions(aspect) for aspect in aspects]
    for row in rows:
        if not row["understood"]:
            continue
        reading = Reading(row["review_id"], row["day"], row["mood"])
        readings.append(reading)
        said = (row[name] or () for name in ("numbers", "complains", "praises"))
        for number, complains, praises in zip(*said, strict=True):
            opinions[number].mention.append(reading)
            if complains:
                opinions[number].complaint.append(reading)
            if praises:
                opinions[number].praise.append(reading)
    return readings, opinions


def leading(opinions: Iterable[Opinions], side: Side) -> list[Opinions]:
    """The aspects that most reviews praise or complain about: the first and those close to it.

    An aspect that shares a word with one before it, also in the plural, is left out.
    """
    ranked = sorted(opinions, key=lambda each: (-len(each.of(side)), each.aspect))
    chosen: list[Opinions] = []
    words: set[str] = set()
    for each in ranked:
        count = len(each.of(side))
        least = max(_MIN_OPINIONS, _MIN_FOLLOWING_SHARE * len(chosen[0].of(side)) if chosen else 0)
        if count < least or len(chosen) > _MAX_FOLLOWING:
            break
        own = {word.removesuffix("s") for word in each.aspect.split()}
        if words.isdisjoint(own):
            chosen.append(each)
            words |= own
    return chosen


def dissent(praised: Opinions | None, criticised: Opinions | None) -> tuple[Opinions, Side] | None:
    """The aspect on which most disagree with the majority, and what they do; None: nobody does."""
    candidates: list[tuple[float, Opinions, Side]] = []
    if praised is not None and criticised is not None and praised.aspect == criticised.aspect:
        return None  # both sides of it have their sentences
    sides: tuple[tuple[Opinions | None, Side], ...] = (
        (criticised, "praise"),
        (praised, "complaint"),
    )
    for opinions, side in sides:
        if opinions is not None and len(opinions.of(side)) >= _MIN_OPINIONS:
            share = len(opinions.of(side)) / len(opinions.mention)
            if share >= _MIN_DISSENT_SHARE:
                candidates.append((share, opinions, side))
    if not candidates:
        return None
    _, opinions, side = max(candidates, key=lambda each: each[0])
    return opinions, side


def complaint_trend(readings: Sequence[Reading], opinions: Opinions) -> Trend | None:
    """How complaints developed from the older to the newer half, in whole days.

    Returns:
        None if one of the halves would have fewer than five reviews, or both together fewer than
        four complaints.
    """
    days = sorted(reading.day for reading in readings if reading.day is not None)
    if not days:
        return None
    middle = days[len(days) // 2]
    after = next((day for day in days if day > middle), middle)
    cut = min(middle, after, key=lambda day: abs(bisect_left(days, day) - len(days) / 2))
    older = bisect_left(days, cut)
    newer = len(days) - older
    if min(older, newer) < _MIN_HALF:
        return None
    complaints = [each.day for each in opinions.complaint if each.day is not None]
    if len(complaints) < _MIN_TREND_COMPLAINTS:
        return None
    before = sum(day < cut for day in complaints)
    return Trend(cut, before, older, len(complaints) - before, newer)
