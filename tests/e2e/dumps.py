"""Generated dumps of any size, with the expected outcome of each row."""

import itertools
import json
import random
from dataclasses import dataclass, field

_FEELINGS = {
    1: ["It broke after", "A waste of money, it failed within", "Terrible, it died after"],
    3: ["It has been all right for", "Nothing special in", "Neither good nor bad over"],
    5: ["I have loved it for", "It has worked wonderfully for", "Excellent, still perfect after"],
}
_SPANS = ["two days", "a week", "three months", "one year", "five trips", "a whole winter"]
_THINGS = ["kettle", "tent", "headphones", "lamp", "blender", "rucksack", "charger"]
_REMARKS = [
    "The lid never quite closed the way the pictures promise.",
    "My sister borrowed it once and has asked for it ever since.",
    "The instructions are short, and the parcel came on a rainy morning.",
    "I would have liked a longer cable, and a colour that is not grey.",
]


@dataclass
class GeneratedDump:
    """A dump in the layout of Amazon 2014, and its records (from 1) by expected outcome."""

    body: bytes = b""
    stored: list[int] = field(default_factory=list)
    duplicates: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)

    @property
    def counts(self):
        """Rows read, stored, duplicates, rejected."""
        parts = [len(self.stored), len(self.duplicates), len(self.rejected)]
        return (sum(parts), *parts)


def review(number, seed="a"):
    """One row; the same number and seed give the same row."""
    rng = random.Random(f"{seed}-{number}")
    stars = rng.choice((1, 3, 5))
    thing = rng.choice(_THINGS)
    opening = f"{rng.choice(_FEELINGS[stars])} {rng.choice(_SPANS)}"
    return {
        "reviewerID": f"A{seed}{number}",
        "asin": f"E2E-{thing}",
        "reviewerName": f"Reader {number}",
        "helpful": [number % 3, 3],
        "reviewText": f"{opening}, the {thing} of order {number}. {rng.choice(_REMARKS)}",
        "overall": float(stars),
        "summary": f"My {thing}",
        "unixReviewTime": 1_300_000_000 + number * 3_600,
        "reviewTime": "03 13, 2011",
    }


def amazon_2014(rows, *, seed="a", flawed=True):
    """JSON lines; if flawed, one row in 11 repeats an earlier one and some are invalid."""
    dump = GeneratedDump()
    lines = []
    for record in range(1, rows + 1):
        if flawed and record % 97 == 0:
            lines.append(json.dumps(review(record, seed) | {"reviewText": ""}))
            dump.rejected.append(record)
        elif flawed and record % 101 == 0:
            lines.append('{"reviewText": "cut in the mid')
            dump.rejected.append(record)
        elif flawed and record % 11 == 0:
            lines.append(lines[dump.stored[record // 23] - 1])
            dump.duplicates.append(record)
        else:
            lines.append(json.dumps(review(record, seed)))
            dump.stored.append(record)
    dump.body = "\n".join(itertools.chain(lines, [""])).encode()
    return dump
