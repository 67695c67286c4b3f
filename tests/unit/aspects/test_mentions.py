"""Aspects are found in example sentences, and any other text is handled."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.aspects.mentions import (
    MAX_ASPECT_CHARACTERS,
    MAX_MENTIONS_PER_REVIEW,
    find_mentions,
    find_phrases,
)
from shared.aspects.sentences import MAX_SENTENCE_CHARACTERS, split_sentences
from shared.aspects.tagging import singular, tag, token_spans

TABLE = [
    # sentence, aspects, words that are not aspects
    ("The battery life is great.", {"battery life", "battery"}, {"life", "great"}),
    ("Shipping took three weeks.", {"shipping"}, {"week", "three"}),
    ("I love the fit and the colour of this jacket.", {"fit", "colour", "jacket"}, {"love"}),
    ("It fits my phone well.", {"phone"}, {"fit", "fits"}),
    ("The price was fair for what you get.", {"price"}, {"fair"}),
    ("Prices are fair.", {"price"}, {"prices"}),
    ("The batteries died within a month.", {"battery"}, {"batteries", "month"}),
    ("Customer service never answered my emails.", {"customer service", "email"}, {"customer"}),
    ("The charging cable is too short.", {"charging cable", "cable"}, set()),
    ("It charges slowly and the screen scratches easily.", {"screen"}, {"charge"}),
    ("You can charge it in the car.", {"car"}, {"charge"}),
    ("The charge lasts two days.", {"charge"}, {"day"}),
    ("Great purchase for my wife's birthday.", set(), {"purchase", "wife", "birthday"}),
    ("This thing is a piece of junk.", {"junk"}, {"thing", "piece"}),
    ("I have had this product for a year, no problems.", set(), {"product", "year", "problem"}),
    ("Packaging was damaged, instructions were missing.", {"packaging", "instructions"}, set()),
    ("Easy to set up; the app crashes a lot.", {"app"}, {"lot", "easy"}),
    ("The hinge snapped off after a few uses.", {"hinge"}, {"few", "use"}),
    ("The hinge gave way within a month.", {"hinge"}, {"hinge gave", "gave", "month"}),
    ("Bluetooth range and sound quality are superb.", {"sound quality", "range"}, {"superb"}),
    ("Very comfortable, soft material and a sturdy zipper.", {"material", "zipper"}, {"soft"}),
    ("She wears her glasses every day.", {"glasses"}, {"glass", "day"}),
    ("The lens is scratched and the lenses rattle.", {"lens"}, {"len"}),
    ("My Zorbex arrived with a torn box.", {"box"}, {"zorbex"}),
    ("The USB port is loose.", {"usb port", "port"}, {"loose"}),
    ("Don't waste your money.", set(), {"money", "waste"}),
    ("It's really sharp, isn't it?", set(), {"sharp", "it"}),
]


@pytest.mark.parametrize(
    ("sentence", "expected", "unexpected"), TABLE, ids=[row[0] for row in TABLE]
)
def test_aspects_of_a_sentence(sentence, expected, unexpected):
    aspects = {aspect for mention in find_mentions(sentence) for aspect in mention.aspects}
    assert expected <= aspects
    assert not unexpected & aspects


@pytest.mark.parametrize(
    "text",
    [
        "Das Gehäuse ist leider viel zu schwer und der Akku hält keinen Tag.",
        "La batterie tient longtemps mais le son grésille dans les écouteurs.",
        "La correa se rompió después de dos semanas de uso normal.",
        "電池の持ちが悪いです。",
        "Батарея садится слишком быстро.",
        "!!!!! ????? 12345 67,89 ---- ****",
        "asdf qwer zxcv uiop hjkl",
        "",
        "   ",
    ],
)
def test_other_languages_and_noise_have_no_aspects(text):
    assert find_mentions(text) == []


def test_each_aspect_comes_with_its_sentence():
    text = "  The sound is lovely. The hinge broke!  Would I buy it again? The case, yes."
    sentences = {m.aspects: text[m.start : m.end] for m in find_mentions(text)}
    assert sentences == {
        ("sound",): "The sound is lovely.",
        ("hinge",): "The hinge broke!",
        ("case",): "The case, yes.",
    }


def test_sentences_without_a_space_between_them_are_split():
    text = "The clip broke on day two.I love the sound!!Great price,too. I use version 2.Really."
    assert [text[s.start : s.end] for s in split_sentences(text)] == [
        "The clip broke on day two.",
        "I love the sound!!",
        "Great price,too.",
        "I use version 2.Really.",
    ]


def test_contrasting_clauses_are_split():
    text = "The sound is very good but the hinge broke at once, although the case is nice."
    assert [text[s.start : s.end] for s in split_sentences(text)] == [
        "The sound is very good",
        "but the hinge broke at once",
        "although the case is nice.",
    ]
    for whole in (
        "Nothing but trouble with the hinge.",
        "Small but nice.",
        "It is all but new now.",
    ):
        assert len(split_sentences(whole)) == 1


@pytest.mark.parametrize(
    "text", ["It cost 3.99 at shop.com e.g. online", "v2.0 works", "Wait... what", "Mr.Smith says"]
)
def test_punctuation_inside_a_word_does_not_end_a_sentence(text):
    assert len(split_sentences(text)) <= 2
    assert "".join(text[s.start : s.end] for s in split_sentences(text)).replace(" ", "") == (
        text.replace(" ", "")
    )


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        *(("batteries", "battery"), ("prices", "price"), ("boxes", "box"), ("glass", "glass")),
        *(("lenses", "lens"), ("lens", "lens"), ("headphones", "headphones"), ("keys", "key")),
        *(("movies", "movie"), ("pieces", "piece"), ("switches", "switch"), ("usb", "usb")),
        *(("zorbs", "zorb"), ("its", "its"), ("bus", "bus"), ("cases", "case")),
    ],
)
def test_singular(plural, one):
    assert singular(plural) == one


def test_the_mentions_of_a_long_review_are_limited():
    text = " ".join(f"The {word} is loose." for word in ("hinge", "lid", "strap", "cable") * 50)
    assert len(find_mentions(text, 6)) == 6
    assert len(find_mentions(text)) == MAX_MENTIONS_PER_REVIEW
    nouns = "The hinge lid, strap cable, case box, lens cap, price tag, screen door is loose. "
    mentions = find_mentions(nouns * 20)
    assert sum(len(mention.aspects) for mention in mentions) == MAX_MENTIONS_PER_REVIEW


def test_a_review_without_full_stops_is_split_at_spaces():
    text = "the hinge is loose and " * 100
    assert all(s.end - s.start <= MAX_SENTENCE_CHARACTERS for s in split_sentences(text))
    assert len(split_sentences(text)) > 5


_UNUSUAL_TEXT = st.text(
    st.sampled_from("aebtk .,;!?-'’\"\n\t\0\u200b\ud7ffÄß電🙂٣İ½$%*()[]"), max_size=400
)


@given(st.one_of(st.text(max_size=400), _UNUSUAL_TEXT))
@settings(max_examples=300, deadline=None)
def test_sentences_of_any_text_are_inside_the_text(text):
    last = 0
    for start, end in split_sentences(text):
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        last = end
    mentions = find_mentions(text)
    assert find_mentions(text, 2) == mentions[:2]
    assert sum(len(mention.aspects) for mention in mentions) <= MAX_MENTIONS_PER_REVIEW
    spans = set(split_sentences(text))
    for mention in mentions:
        assert (mention.start, mention.end) in spans
        assert len(set(mention.aspects)) == len(mention.aspects)
        for aspect in mention.aspects:
            assert 0 < len(aspect) <= MAX_ASPECT_CHARACTERS
            assert aspect == aspect.lower()
            assert 1 <= len(aspect.split(" ")) <= 3


@pytest.mark.parametrize(
    "text",
    [
        *("a" * 400_000, "but " * 100_000, "' " * 200_000, "the hinge " * 40_000, "." * 400_000),
        *("x-" * 200_000, " " * 400_000, "a.b " * 100_000, "very " * 80_000, "\n" * 400_000),
    ],
    ids=lambda text: repr(text[:10]),
)
def test_a_huge_text_is_processed_quickly(text):
    started = time.process_time()
    find_mentions(text)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(("sentence", "aspects", "_"), TABLE)
def test_phrases_are_the_longest_aspects_with_their_words(sentence, aspects, _):
    text = f"Well done! {sentence}"
    found = [phrase for _, phrases in find_phrases(text) for phrase in phrases]
    for aspect, start, end in found:
        words = text[start:end].lower().split()
        assert " ".join(singular(word) for word in words) == aspect
    everything = {each for mention in find_mentions(text) for each in mention.aspects}
    assert {aspect for aspect, _, _ in found} <= everything
    assert aspects <= everything


@given(st.text())
def test_phrases_of_any_text_are_inside_their_sentence(text):
    for sentence, phrases in find_phrases(text):
        for _, start, end in phrases:
            assert sentence.start <= start < end <= sentence.end


@given(st.text() | st.sampled_from([row[0] for row in TABLE]))
def test_each_tagged_word_has_a_place(text):
    assert len(token_spans(text)) == len(tag(text))
