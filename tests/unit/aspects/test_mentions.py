"""What is an aspect and what is not: sentences written for this, and whatever else may come."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.aspects.mentions import MAX_LETTERS, MAX_MENTIONS, MAX_SENTENCES, mentions
from shared.aspects.sentences import LONGEST, sentences
from shared.aspects.tagging import singular

TABLE = [
    # sentence, what must be found, what must not
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


@pytest.mark.parametrize(("sentence", "wanted", "unwanted"), TABLE, ids=[row[0] for row in TABLE])
def test_what_a_sentence_speaks_of(sentence, wanted, unwanted):
    found = {aspect for said in mentions(sentence) for aspect in said.aspects}
    assert wanted <= found
    assert not unwanted & found


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
    assert mentions(text) == []


def test_each_aspect_stands_with_the_sentence_that_speaks_of_it():
    text = "  The sound is lovely. The hinge broke!  Would I buy it again? The case, yes."
    found = {said.aspects: text[said.start : said.end] for said in mentions(text)}
    assert found == {
        ("sound",): "The sound is lovely.",
        ("hinge",): "The hinge broke!",
        ("case",): "The case, yes.",
    }


def test_sentences_whose_line_break_got_lost_are_told_apart():
    text = "The clip broke on day two.I love the sound!!Great price,too. I use version 2.Really."
    assert [text[s.start : s.end] for s in sentences(text)] == [
        "The clip broke on day two.",
        "I love the sound!!",
        "Great price,too.",
        "I use version 2.Really.",
    ]


def test_what_is_set_against_something_else_is_said_apart():
    text = "The sound is very good but the hinge broke at once, although the case is nice."
    assert [text[s.start : s.end] for s in sentences(text)] == [
        "The sound is very good",
        "but the hinge broke at once",
        "although the case is nice.",
    ]
    for whole in (
        "Nothing but trouble with the hinge.",
        "Small but nice.",
        "It is all but new now.",
    ):
        assert len(sentences(whole)) == 1


@pytest.mark.parametrize(
    "text", ["It cost 3.99 at shop.com e.g. online", "v2.0 works", "Wait... what", "Mr.Smith says"]
)
def test_a_mark_inside_a_word_ends_no_sentence(text):
    assert len(sentences(text)) <= 2
    assert "".join(text[s.start : s.end] for s in sentences(text)).replace(" ", "") == (
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


def test_a_long_review_has_so_many_mentions_and_no_more():
    text = " ".join(f"The {word} is loose." for word in ("hinge", "lid", "strap", "cable") * 50)
    found = mentions(text)
    assert len(found) == MAX_SENTENCES
    nouns = "The hinge lid, strap cable, case box, lens cap, price tag, screen door is loose. "
    assert sum(len(said.aspects) for said in mentions(nouns * 20)) == MAX_MENTIONS


def test_a_review_without_a_full_stop_is_cut_into_pieces_to_quote():
    text = "the hinge is loose and " * 100
    assert all(s.end - s.start <= LONGEST for s in sentences(text))
    assert len(sentences(text)) > 5


_ODD = st.text(st.sampled_from("aebtk .,;!?-'’\"\n\t\0\u200b\ud7ffÄß電🙂٣İ½$%*()[]"), max_size=400)


@given(st.one_of(st.text(max_size=400), _ODD))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_sentences_that_lie_in_it(text):
    last = 0
    for start, end in sentences(text):
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        last = end
    found = mentions(text)
    assert len(found) <= MAX_SENTENCES
    assert sum(len(said.aspects) for said in found) <= MAX_MENTIONS
    spans = set(sentences(text))
    for said in found:
        assert (said.start, said.end) in spans
        assert len(set(said.aspects)) == len(said.aspects)
        for aspect in said.aspects:
            assert 0 < len(aspect) <= MAX_LETTERS
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
def test_a_huge_text_takes_a_moment(text):
    started = time.process_time()
    mentions(text)
    assert time.process_time() - started < 2.0
