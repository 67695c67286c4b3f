"""Generates dumps in the layouts of the public ones, the same bytes every time."""

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from isal import igzip

_COLUMNS = (
    *("marketplace", "customer_id", "review_id", "product_id", "product_parent", "product_title"),
    *("product_category", "star_rating", "helpful_votes", "total_votes", "vine"),
    *("verified_purchase", "review_headline", "review_body", "review_date"),
)
_THINGS = ["editor", "camera", "case", "charger", "tax program", "headset", "game", "scanner"]
_PARTS = [
    *("battery", "menu", "installer", "cable", "manual", "screen", "update", "support line"),
    *("button", "licence key", "sound", "packaging"),
]
_VERDICTS = [
    *("worked right away", "failed within a week", "looks cheaper than on the picture"),
    *("surprised me", "never quite fit", "is better than that of the one before"),
    *("was missing when it arrived", "does what it promises", "needs far too much patience"),
]
_ENDINGS = [
    *("and I would buy it again.", "so it went back to the shop.", "which is fine for the price."),
    *("but my sister likes it.", "and nobody could tell me why.", "after two evenings of trying."),
]
_MARKUP = ["<br /><br />", "&#34;quoted&#34; ", "&amp; ", '\\"really\\" ']


def _sentences() -> list[str]:
    combinations = itertools.product(_THINGS, _PARTS, _VERDICTS, _ENDINGS)
    return [
        f"The {part} of this {thing} {verdict} {end}" for thing, part, verdict, end in combinations
    ]


def generate_reviews() -> Iterator[dict[str, Any]]:
    """An endless sequence of reviews of about 300 characters, some with markup, always the same."""
    rng = random.Random(20)
    sentences = _sentences()
    for serial in itertools.count(1):
        words = rng.choices(sentences, k=1 + min(14, int(rng.expovariate(0.25))))
        if serial % 17 == 0:
            words.insert(1, rng.choice(_MARKUP))
        yield {
            "serial": serial,
            "reviewer": rng.randrange(10**7),
            "product": rng.randrange(4000),
            "stars": rng.choices((1, 2, 3, 4, 5), (18, 8, 9, 17, 48))[0],
            "title": words[0][: rng.randrange(10, 50)],
            "text": "" if serial % 400 == 0 else " ".join(words),
            "day": datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=rng.randrange(2000)),
        }


def _tsv_line(review: dict[str, Any]) -> str:
    product = review["product"]
    fields = [
        *("US", str(review["reviewer"]), f"R{review['serial']:013d}", f"B{product:09d}"),
        *(str(product), f"Program number {product}", "Digital_Software", str(review["stars"])),
        *("1", "2", "N", "Y", review["title"], review["text"], f"{review['day']:%Y-%m-%d}"),
    ]
    return "\t".join(fields) + "\n"


def json_line(review: dict[str, Any]) -> str:
    """A review as a line of the Amazon 2014 dumps."""
    record = {
        "reviewerID": f"A{review['reviewer']}",
        "asin": f"B{review['product']:09d}",
        "helpful": [1, 2],
        "reviewText": review["text"],
        "overall": float(review["stars"]),
        "summary": review["title"],
        "unixReviewTime": int(review["day"].timestamp()),
        "reviewTime": f"{review['day']:%m %d, %Y}",
    }
    return json.dumps(record) + "\n"


def write_tsv(path: Path, *, rows: int | None = None, size: int | None = None) -> int:
    """Write a generated dump of this many rows, or of about this many bytes before compression.

    Returns:
        Number of rows.
    """
    written = length = 0
    with igzip.open(path, "wb", compresslevel=1) as out:
        out.write(("\t".join(_COLUMNS) + "\n").encode())
        for review in generate_reviews():
            if (rows is not None and written >= rows) or (size is not None and length >= size):
                break
            line = _tsv_line(review).encode()
            out.write(line)
            written, length = written + 1, length + len(line)
    return written


def write_json(path: Path, *, rows: int) -> None:
    """Write a generated dump of JSON lines."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(map(json_line, itertools.islice(generate_reviews(), rows)))
