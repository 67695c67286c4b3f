"""Contrast rows: distinct, well formed, in groups, and with no word or frame in both parts."""

from itertools import groupby

import pytest

from sagemaker_jobs.contrast.fill import Fill
from sagemaker_jobs.contrast.frames import load_blocks
from sagemaker_jobs.contrast.generate import generate
from sagemaker_jobs.contrast.words import load_words

PARTS = ("train", "test")


@pytest.fixture(scope="module")
def rows():
    return {part: generate(part) for part in PARTS}


def test_both_parts_have_the_same_families_and_enough_rows(rows):
    train, test = ({row.family for row in rows[part]} for part in PARTS)
    assert train == test
    assert len(rows["train"]) >= 20_000
    assert 2_000 <= len(rows["test"]) <= 4_000
    assert sum(row.family == "implicit" for row in rows["train"]) >= 4_000


def test_the_same_seed_gives_the_same_rows(rows):
    assert generate("test") == rows["test"]
    assert generate("test", seed=1) != rows["test"]


@pytest.mark.parametrize("part", PARTS)
def test_texts_are_distinct_and_written_out(rows, part):
    texts = [row.text.lower() for row in rows[part]]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert not set(text) & set("{}[]<>|"), text
        assert "  " not in text
        assert not text.startswith((" ", ",", ".")), text


@pytest.mark.parametrize("part", PARTS)
def test_a_row_stands_beside_its_twins(rows, part):
    groups = [list(group) for _, group in groupby(rows[part], lambda row: row.twin)]
    assert len(groups) == len({group[0].twin for group in groups})
    for group in groups:
        assert len(group) > 1
        if group[0].rule == "same":
            assert len({row.sentiment for row in group}) == 1


@pytest.mark.parametrize("part", PARTS)
def test_spans_lie_within_the_text_and_have_a_sentiment(rows, part):
    spans = [(row.text, *span) for row in rows[part] for span in row.spans]
    assert spans
    for text, start, end, sentiment in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
        assert sentiment in ("negative", "neutral", "positive")


def test_the_parts_share_no_entry_and_no_frame():
    words = {part: {w.name: w for w in load_words(part).values()} for part in PARTS}
    for name, words_of_train in words["train"].items():
        train, test = (
            {entry[0][0].lower() for entry in each.entries}
            for each in (words_of_train, words["test"][name])
        )
        assert not train & test, name
    frames = [{line.template for b in load_blocks(part) for line in b.lines} for part in PARTS]
    assert not frames[0] & frames[1]


class FirstChoice:
    def choice(self, alternatives):
        return alternatives[0]


@pytest.mark.parametrize(
    ("template", "text", "spans"),
    [
        ("a [old|new] lamp. it is a {colour}", "An old lamp. It is a red", []),
        ("An [hour|day] and a [unit|day]", "An hour and a unit", []),
        ("<+ it is {colour}>, but <- a [ugly|nice] one>.", "It is red, but an ugly one.",
         [(0, 9, "positive"), (15, 26, "negative")]),
        ("[a|b] {colour} {colour2} [a|b] {colour} ,", "A red blue a red,", []),
    ],
)  # fmt: skip
def test_a_template_is_written_out(template, text, spans):
    lists = {"colour": load_words("train")["colour"]}
    assert Fill(lists, FirstChoice()).write(template) == (text, spans)


def test_an_unknown_list_is_named():
    with pytest.raises(ValueError, match="no list has the field smell"):
        Fill({}, FirstChoice()).write("a {smell}")
