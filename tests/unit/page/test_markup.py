"""Text from reviews is shown as text, even if it looks like markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend_space import markup
from reviewlens.models import PicturePreview
from tests.answers import freshness, product, search_result, split, stored_review

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
    parser = _Tags()
    parser.feed(html)
    parser.close()
    return parser


@pytest.mark.parametrize(
    "review",
    [
        search_result(review_id=EVIL, review_text=EVIL, title=EVIL, product_id=EVIL, rating=5),
        search_result(review_text=EVIL, title=EVIL, brand=EVIL),
        stored_review(review_id=EVIL, text=EVIL, title=EVIL, product_id=EVIL, rating=5),
    ],
)
def test_a_card_contains_no_tag_of_its_review(review):
    parser = parsed(markup.card(review, why=EVIL))
    assert set(parser.tags) <= {"li", "div", "span", "h4", "p"}
    assert set(parser.attributes) <= {"class", "role", "aria-label"}
    assert parser.text.count(EVIL) == 4


@pytest.mark.parametrize("sentiment", [EVIL, None])
def test_a_badge_shows_known_sentiments_only(sentiment):
    assert markup.badge(sentiment) == '<span class="badge none">not analysed</span>'


def test_a_card_shows_what_is_known_of_a_review():
    result = markup.card(search_result(similarity_score=0.876, rating=2, brand="Lumen & Co"))
    assert "88% similar" in result
    assert "<span>Lumen &amp; Co</span>" in result
    assert "2 of 5 stars" in result
    stored = markup.card(
        stored_review(mismatch="stars_above_text", reviewed_at="2026-03-16", mixed=True)
    )
    assert "mixed: praise and complaint" in stored
    assert "mixed" not in markup.card(stored_review(mixed=False))
    assert "the stars are above the text</" in stored
    odd = stored_review(mismatch="picture_below_text", disagrees="picture")
    assert "the picture is below the text; the picture is against both others" in markup.card(odd)
    assert "16 March 2026" in stored
    assert "similar" not in stored


@given(st.text())
def test_any_text_is_shown_as_that_text(text):
    parser = parsed(f"<p>{markup.safe(text)}</p>")
    assert parser.tags == ["p"]
    visible = "".join(c for c in text if c in "\n\t" or c.isprintable() or c.isspace())
    assert len(parser.text) <= len(text)
    assert set(parser.text) <= set(text)
    assert all(c in parser.text for c in visible if c.isalnum())


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\x00", "\x1b", "\u200f"])
def test_characters_that_reverse_a_line_are_removed(character):
    assert markup.safe(f"a{character}b") == "ab"


def test_templates_of_the_page_find_no_placeholder():
    assert not set("{}$`") & set(markup.safe("${x} {{y}} `z`"))


def test_long_texts_are_cut_visibly():
    assert markup.cut("x" * 5000).endswith(" …")
    assert len(markup.cut("x" * 5000)) < 1300
    assert markup.cut("short") == "short"


def test_bars_stay_inside_for_any_shares():
    html = markup.bars(split(7.0, -3.0, 0.5), "x")
    assert "width:100.0%" in html
    assert "width:0.0%" in html


def test_figures_show_how_fresh_they_are():
    html = markup.fresh(freshness(pending=12))
    assert "29 November 2026, 08:00:00 UTC" in html
    assert "12 more" in html
    assert "All stored reviews are analysed." in markup.fresh(freshness())


def test_reviews_that_are_not_analysed_are_said():
    html = markup.fresh(freshness(not_analysed=12_992))
    assert "12,992 stored reviews are not analysed yet." in html
    assert "All stored reviews" not in html
    waiting = product(reviews=987, analysed=384, not_analysed=600, not_understood=3)
    assert markup.base(waiting) == (
        "384 of 987 reviews are analysed; 600 are waiting; "
        "3 are in a language that is not supported"
    )


@pytest.mark.parametrize(("value", "shown"), [(None, "n/a"), (12.4, "+12"), (-30.6, "-31")])
def test_net_sentiment_has_a_sign(value, shown):
    assert markup.net(value) == shown


def test_a_review_in_another_language_is_marked():
    assert "language not supported" in markup.card(search_result(sentiment=None))
    not_understood = stored_review(language="de", model_version="m1")
    assert "language not supported" in markup.card(not_understood)
    assert "not analysed" in markup.card(stored_review())


def test_a_card_shows_the_picture_of_a_review_and_that_it_matched():
    picture = PicturePreview(data='AA==" onload="x', width=3, height=2)
    review = search_result(similarity_score=0.8, matched="image", picture=picture)
    html = markup.card(review)
    assert "80% similar picture" in html
    assert 'src="data:image/jpeg;base64,AA==&quot; onload=&quot;x"' in html
    assert 'alt="Picture of a customer"' in html
    plain = markup.card(search_result(similarity_score=0.8))
    assert "<img" not in plain
    assert "80% similar</span>" in plain
