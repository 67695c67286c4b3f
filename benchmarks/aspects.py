"""How well aspects are found, and what it costs: ``python -m benchmarks.aspects FOLDER``.

FOLDER has the data sets as benchmarks/README.md names them, and ``semeval14``. Where textblob is
installed, its tagger is measured beside ours, over the same runs of nouns and the same stop list.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from shared.aspects.mentions import find_mentions, noun_phrases
from shared.aspects.scoring import score_mentions
from shared.aspects.tagging import Token, singular, tag
from shared.aspects.words import EMPTY_NOUNS
from shared.runtime.encoder import open_folder
from shared.runtime.scoring import score
from shared.storage.shards import CLEAN_SCHEMA

DOMAINS = {"laptops": "laptop", "restaurants": "rest"}
Tagger = Callable[[str], Iterable[tuple[str, str]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print Markdown; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.aspects", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--reviews", type=int, default=250, help="of which the cost is measured")
    options = parser.parse_args(arguments)
    print("| domain | tagger | precision | recall | F1 | overlap F1 | sentences/s |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for domain, name in DOMAINS.items():
        gold = _gold(options.data / "semeval14" / f"semeval14_{name}.train.json")
        for label, tagger in _taggers().items():
            print(f"| {domain} | {label} | {_scores(gold, tagger)} |", flush=True)
    print(_cost(options.data, options.model, options.reviews))
    return 0


def _taggers() -> dict[str, Tagger]:
    found: dict[str, Tagger] = {"lexicon and context": tag}
    try:
        from textblob.en import tag as textblob_tag
    except ImportError:
        return found
    found["textblob PatternTagger"] = lambda text: [
        (word.lower(), "n" if kind.startswith("NN") else ".") for word, kind in textblob_tag(text)
    ]
    return found


def _gold(path: Path) -> dict[str, set[str]]:
    found = defaultdict(set)
    for row in json.loads(path.read_text()).values():
        found[row["sentence"]].add(_normal(row["term"]))
    return dict(found)


def _normal(term: str) -> str:
    return " ".join(singular(token.word) for token in tag(term))


def _phrases(tokens: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The longest phrase of each run of nouns."""
    for phrase in noun_phrases([Token(*token) for token in tokens]):
        if len(phrase) > 1 or (phrase and phrase[0] not in EMPTY_NOUNS):
            yield " ".join(phrase)


def _scores(gold: dict[str, set[str]], tagger: Tagger) -> str:
    """Precision, recall and F1 of terms word for word; F1 of terms with a word in common."""
    started = time.process_time()
    found = {text: set(_phrases(tagger(text))) for text in gold}
    rate = len(gold) / (time.process_time() - started)
    right = sum(len(found[text] & terms) for text, terms in gold.items())
    said, wanted = sum(map(len, found.values())), sum(map(len, gold.values()))
    near = sum(_touches(one, terms) for text, terms in gold.items() for one in found[text])
    met = sum(_touches(one, found[text]) for text, terms in gold.items() for one in terms)
    exact, loose = _f1(right / said, right / wanted), _f1(near / said, met / wanted)
    return f"{right / said:.3f} | {right / wanted:.3f} | {exact:.3f} | {loose:.3f} | {rate:,.0f}"


def _touches(one: str, others: set[str]) -> bool:
    return any(set(one.split()) & set(other.split()) for other in others)


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall)


def _cost(data: Path, model: Path, count: int) -> str:
    """Processor time of encoding real reviews, and of their sentences besides."""
    rows: list[dict[str, object]] = []
    dump = data / "amazon-cellphones" / "Cell_Phones_and_Accessories_5.json"
    for line in dump.read_text().splitlines()[: 12 * count : 12]:
        row = json.loads(line.strip().lstrip("[").rstrip(","))
        rows.append({"review_id": str(len(rows)), "record": len(rows), "source": "amazon2014",
                     "title": row["summary"], "text": row["reviewText"] or "-"})  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=CLEAN_SCHEMA)
    encoder = open_folder(model)
    marks = [time.process_time()]
    scored = score(encoder.encode, table)
    marks.append(time.process_time())
    sentences = sum(len(find_mentions(text)) for text in table["text"].to_pylist())
    marks.append(time.process_time())
    found = sum(1 for _ in score_mentions(encoder.encode, table, scored))
    marks.append(time.process_time())
    encode, find, judge = (1000 * (b - a) / len(rows) for a, b in pairwise(marks))
    return (
        f"\n{len(rows)} reviews, {sentences / len(rows):.2f} sentences and {found / len(rows):.2f}"
        f" mentions each; milliseconds of a core for a review: encoding it {encode:.2f}, finding"
        f" mentions {find:.2f}, finding and judging them {judge:.2f}; reviews a second"
        f" {1000 / encode:.0f} without, {1000 / (encode + judge):.0f} with aspects"
    )


if __name__ == "__main__":
    sys.exit(main())
