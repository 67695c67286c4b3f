"""What comes from reviews is text, whatever it looks like."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend_space import markup
from frontend_space.answers import Freshness, Review, Split

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' onmouseover=alert(1) `${1}` {{x}}"


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


def parsed(html):
    found = _Tags()
    found.feed(html)
    found.close()
    return found


def test_a_card_holds_no_tag_of_its_review():
    review = Review(
        review_id=EVIL, review_text=EVIL, title=EVIL, product_id=EVIL, sentiment=EVIL, rating=5
    )
    found = parsed(markup.card(review, why=EVIL))
    assert set(found.tags) <= {"li", "div", "span", "h4", "p"}
    assert set(found.attributes) <= {"class", "role", "aria-label"}
    assert EVIL in found.text


@given(st.text())
def test_any_text_comes_back_as_that_text(text):
    found = parsed(f"<p>{markup.safe(text)}</p>")
    assert found.tags == ["p"]
    seen = "".join(c for c in text if c in "\n\t" or c.isprintable() or c.isspace())
    assert len(found.text) <= len(text)
    assert set(found.text) <= set(text)
    assert all(c in found.text for c in seen if c.isalnum())


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\x00", "\x1b", "\u200f"])
def test_characters_that_turn_a_line_around_are_left_out(character):
    assert markup.safe(f"a{character}b") == "ab"


def test_templates_of_the_page_find_nothing_to_fill_in():
    assert not set("{}$`") & set(markup.safe("${x} {{y}} `z`"))


def test_long_texts_are_cut_and_say_so():
    assert markup.cut("x" * 5000).endswith(" …")
    assert len(markup.cut("x" * 5000)) < 1300
    assert markup.cut("short") == "short"


def test_bars_stay_inside_whatever_the_server_says():
    html = markup.bars(Split(negative=7.0, neutral=-3.0, positive=0.5), "x")
    assert "width:100.0%" in html
    assert "width:0.0%" in html


def test_figures_say_how_fresh_they_are():
    when = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
    told = markup.fresh(Freshness(as_of=when, pending_reviews=12))
    assert "29 November 2026, 08:00:00 UTC" in told
    assert "12 more" in told
    assert "None are waiting" in markup.fresh(Freshness(as_of=when))
    assert "does not say more" in markup.fresh(None)


@pytest.mark.parametrize(("value", "shown"), [(None, "n/a"), (12.4, "+12"), (-30.6, "-31")])
def test_net_sentiment_has_a_sign(value, shown):
    assert markup.net(value) == shown
