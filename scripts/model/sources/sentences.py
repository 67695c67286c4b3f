"""Readers of data sets whose labels are those of sentences, phrases or terms in a sentence."""

import hashlib
import html
import json
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from sagemaker_jobs.contrast.generate import generate
from sagemaker_jobs.contrast.words import Part
from sources.rows import Row, clean, csv_file

_PHRASE = re.compile(r"[,;/]|\s-\s|\.\s")
_MAX_OTHER_SIDE = 0.1
"""A phrase that more often stands on the other side too, such as "battery life", says nothing."""


def sst(folder: Path) -> Iterator[Row]:
    """Stanford Sentiment Treebank, five classes, training part."""
    with (folder / "sst" / "stsa.fine.train").open(encoding="utf-8") as lines:
        for line in lines:
            label, text = line.split(" ", 1)
            name = ("negative", "negative", "neutral", "positive", "positive")[int(label)]
            yield Row(clean(text), None, name, "sst", None, kind="sentence")


def pros_cons(folder: Path) -> Iterator[Row]:
    """Lines that buyers wrote under "Pros" and "Cons", and the phrases in them."""
    lines: dict[str, list[str]] = {}
    with zipfile.ZipFile(folder / "pros-cons" / "pros_cons.zip") as archive:
        for name, tag in (("positive", "Pros"), ("negative", "Cons")):
            raw = archive.read(f"pros_cons/Integrated{tag}.txt").decode("utf-8", "replace")
            found = re.findall(rf"<{tag}>(.*?)</{tag}>", raw)
            lines[name] = [clean(html.unescape(line)) for line in found]
    sides: dict[str, Counter[str]] = defaultdict(Counter)
    for name, texts in lines.items():
        for text in texts:
            for phrase in {text, *_PHRASE.split(text)}:
                if phrase.strip():
                    sides[phrase.strip()][name] += 1
    by_key: dict[str, Counter[str]] = defaultdict(Counter)
    for phrase, counts in sides.items():
        by_key[phrase.lower().strip(" .!")].update(counts)
    for phrase in sides:
        counts = by_key[phrase.lower().strip(" .!")]
        (name, most), total = counts.most_common(1)[0], counts.total()
        if len(phrase.split()) >= 2 and total - most <= _MAX_OTHER_SIDE * total:
            yield Row(phrase, None, name, "pros-cons", None, kind="sentence")


def medicine_columns(folder: Path) -> Iterator[Row]:
    """What patients wrote under benefits of an effective medicine, and under severe effects.

    The source is that of ``shops.medicines``, so that a product is in one split only.
    """
    for row in csv_file(folder / "medicines" / "drugLibTrain_raw.tsv", "\t"):
        product = row["urlDrugName"]
        if row["effectiveness"] in ("Highly Effective", "Considerably Effective"):
            text = clean(row["benefitsReview"] or "")
            yield Row(text, None, "positive", "medicines", product, kind="sentence")
        if row["sideEffects"] in ("Severe Side Effects", "Extremely Severe Side Effects"):
            text = clean(row["sideEffectsReview"] or "")
            yield Row(text, None, "negative", "medicines", product, kind="sentence")


def semeval14(folder: Path) -> Iterator[Row]:
    """The half of the sentences of SemEval-2014 that is only for evaluation."""
    yield from _semeval14(folder, evaluated=True)


def semeval14_trained(folder: Path) -> Iterator[Row]:
    """The other half."""
    yield from _semeval14(folder, evaluated=False)


def _semeval14(folder: Path, *, evaluated: bool) -> Iterator[Row]:
    """Laptops and restaurants: sentences with the sentiment of their terms.

    The sentiment of the sentence is that of all its terms; neutral where they disagree.
    """
    for domain in ("laptop", "rest"):
        path = folder / "semeval14" / f"semeval14_{domain}.train.json"
        sentences: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for entry in json.loads(path.read_text(encoding="utf-8")).values():
            sentences[entry["sentence"]].append((entry["term"], entry["polarity"]))
        for sentence, terms in sentences.items():
            if (hashlib.sha256(sentence.encode()).digest()[0] < 128) != evaluated:
                continue
            text = sentence.replace("\u00a0", " ").strip()
            spans = [
                [start, start + len(term), sentiment]
                for term, sentiment in terms
                if sentiment in ("negative", "neutral", "positive")
                and (start := text.lower().find(term.lower())) >= 0
            ]
            if not spans:
                continue
            found = {sentiment for *_, sentiment in spans}
            label = found.pop() if len(found) == 1 else "neutral"
            yield Row(
                text,
                None,
                label,
                f"semeval14-{domain}",
                None,
                kind="sentence",
                spans=json.dumps(spans),
            )


def contrast(_: Path) -> Iterator[Row]:
    """Sentences and their twins, generated for training."""
    yield from _contrast("train", "contrast")


def contrast_test(_: Path) -> Iterator[Row]:
    """Sentences from other words and frames, only for evaluation."""
    yield from _contrast("test", "contrast-test")


def _contrast(part: Part, source: str) -> Iterator[Row]:
    for row in generate(part):
        spans = json.dumps([[start, end, name] for start, end, name in row.spans])
        label = row.sentiment.value
        yield Row(row.text, None, label, source, None, row.family, kind="sentence", spans=spans)


def dynasent(folder: Path) -> Iterator[Row]:
    """DynaSent round 1 dev: balanced, only for evaluation."""
    for path in (folder / "dynasent").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            text, label = clean(record["sentence"]), record["gold_label"]
            yield Row(text, None, label, "dynasent", None, kind="sentence")


def tweets(folder: Path) -> Iterator[Row]:
    """TweetEval, test part: only for evaluation, far from reviews."""
    labels = (folder / "tweeteval" / "test_labels.txt").read_text(encoding="utf-8").split()
    texts = (folder / "tweeteval" / "test_text.txt").read_text(encoding="utf-8").split("\n")
    for text, label in zip(texts, labels, strict=False):
        name = ("negative", "neutral", "positive")[int(label)]
        yield Row(clean(text), None, name, "tweeteval", None, kind="sentence")
