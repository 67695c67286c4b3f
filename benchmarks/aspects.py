"""Quality and cost of finding aspects: ``python -m benchmarks.aspects FOLDER``.

FOLDER has the data sets named in benchmarks/README.md, and ``semeval14``. If textblob is installed,
its tagger is measured too, with the same noun phrases and the same stop list.
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

from shared.aspects.mentions import MAX_ENCODED_SENTENCES, find_mentions, noun_phrases
from shared.aspects.scoring import score_mentions
from shared.aspects.tagging import Token, singular, tag
from shared.aspects.words import EMPTY_NOUNS
from shared.runtime.encoder import open_folder
from shared.runtime.scoring import score
from shared.storage.shard_schemas import CLEAN_SCHEMA

DOMAINS = {"laptops": "laptop", "restaurants": "rest"}
Tagger = Callable[[str], Iterable[tuple[str, str]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print Markdown; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.aspects", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument(
        "--reviews", type=int, default=250, help="number of reviews for measuring the cost"
    )
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
    taggers: dict[str, Tagger] = {"lexicon and context": tag}
    try:
        from textblob.en import tag as textblob_tag
    except ImportError:
        return taggers
    taggers["textblob PatternTagger"] = lambda text: [
        (word.lower(), "n" if kind.startswith("NN") else ".") for word, kind in textblob_tag(text)
    ]
    return taggers


def _gold(path: Path) -> dict[str, set[str]]:
    terms = defaultdict(set)
    for row in json.loads(path.read_text()).values():
        terms[row["sentence"]].add(_normalise(row["term"]))
    return dict(terms)


def _normalise(term: str) -> str:
    return " ".join(singular(token.word) for token in tag(term))


def _phrases(tokens: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The longest phrase of each sequence of nouns."""
    for phrase in noun_phrases([Token(*token) for token in tokens]):
        if len(phrase) > 1 or (phrase and phrase[0] not in EMPTY_NOUNS):
            yield " ".join(phrase)


def _scores(gold: dict[str, set[str]], tagger: Tagger) -> str:
    """Precision, recall and F1 of exact terms; F1 of terms with a common word."""
    started = time.process_time()
    predicted = {text: set(_phrases(tagger(text))) for text in gold}
    rate = len(gold) / (time.process_time() - started)
    correct = sum(len(predicted[text] & terms) for text, terms in gold.items())
    positives, relevant = sum(map(len, predicted.values())), sum(map(len, gold.values()))
    near = sum(_overlaps(term, terms) for text, terms in gold.items() for term in predicted[text])
    hit = sum(_overlaps(term, predicted[text]) for text, terms in gold.items() for term in terms)
    precision, recall = correct / positives, correct / relevant
    exact, overlap = _f1(precision, recall), _f1(near / positives, hit / relevant)
    return f"{precision:.3f} | {recall:.3f} | {exact:.3f} | {overlap:.3f} | {rate:,.0f}"


def _overlaps(term: str, others: set[str]) -> bool:
    return any(set(term.split()) & set(other.split()) for other in others)


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall)


def _cost(data: Path, model: Path, count: int) -> str:
    """Processor time of encoding real reviews, and of finding and scoring their mentions."""
    rows: list[dict[str, object]] = []
    dump = data / "amazon-cellphones" / "Cell_Phones_and_Accessories_5.json"
    for line in dump.read_text().splitlines()[: 12 * count : 12]:
        row = json.loads(line.strip().lstrip("[").rstrip(","))
        rows.append({"review_id": str(len(rows)), "record": len(rows), "source": "amazon2014",
                     "title": row["summary"], "text": row["reviewText"] or "-"})  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=CLEAN_SCHEMA)
    encoder = open_folder(model)
    marks = [time.process_time()]
    scored = score(encoder.encode, table, encoder.decisions.review)
    marks.append(time.process_time())
    limit = MAX_ENCODED_SENTENCES if scored.tokens is None else None
    sentences = sum(len(find_mentions(text, limit)) for text in table["text"].to_pylist())
    marks.append(time.process_time())
    mentions = sum(
        1
        for _ in score_mentions(
            encoder.encode,
            table,
            scored,
            encoder.decisions.sentence,
            understood=[True] * table.num_rows,
        )
    )
    marks.append(time.process_time())
    encode, find, total = (1000 * (b - a) / len(rows) for a, b in pairwise(marks))
    return (
        f"\n{len(rows)} reviews, each with {sentences / len(rows):.2f} sentences and"
        f" {mentions / len(rows):.2f} mentions; core milliseconds per review:"
        f" encoding {encode:.2f}, finding mentions {find:.2f}, scoring them as well {total:.2f};"
        f" reviews per second {1000 / encode:.0f} without aspects,"
        f" {1000 / (encode + total):.0f} with them"
    )


if __name__ == "__main__":
    sys.exit(main())
