"""The overview's address, its links and its sentences, without a browser."""

from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from frontend_space.causes import explanation_html
from frontend_space.evidence import Place
from frontend_space.impact import impact_html
from frontend_space.tabs.overview import overview_html
from reviewlens.models import (
    Aspect,
    Cause,
    Compared,
    ExplainedMover,
    Explanation,
    Impact,
    ImpactGroup,
    Overview,
    Period,
    Quote,
    Waiting,
)
from tests.answers import NOON, change, freshness, split

EVIL = "<script>x</script> `{{x}}` **b**"


def cause(aspect="hinge", text="The hinge broke.", link="/reviews?aspect=hinge"):
    quote = Quote(text=text, review_id="r", sentiment="negative", rating=1.0, reviewed_at=NOON)
    return Cause(
        aspect=aspect, complaints_before=0, complaints_after=15, share_before=0, share_after=0.54,
        p_value=1e-9, q_value=1e-8, quotes_before=[], quotes_after=[quote], reviews_link=link,
    )  # fmt: skip


def impact(value=-2.0, reviews=5):
    return Impact(
        complaining=ImpactGroup(reviews=reviews, mean=1.2),
        praising=ImpactGroup(reviews=0, mean=None),
        not_mentioning=ImpactGroup(reviews=9, mean=4.5), effect=value, effect_low=value - 0.5,
        effect_high=value + 0.5, cost=value / 8, complaints_link="/reviews?aspect=hinge",
    )  # fmt: skip


def aspect(name="hinge", **fields):
    return Aspect(
        **{
            "aspect": name,
            "mentions": 9,
            "reviews": 9,
            "sentiment_shares": split(0.82),
            "negative_share": 0.82,
            "net_sentiment": -60.0,
            "quotes": [],
            "impact": impact(),
            "reviews_link": "/reviews?aspect=hinge",
            **fields,
        }
    )


def compared(scale="stars"):
    return Compared(scale=scale, reviews=110, mean=3.6, first_day=None)


def period(first, last, **fields):
    return Period(
        first_day=first, last_day=last, reviews=8, analysed=8, not_understood=0, not_analysed=0,
        rated=8, mean_rating=4.0, sentiment_shares=split(0.25), net_sentiment=50.0,
        reviews_link=f"/reviews?from={first}&to={last}", **fields,
    )  # fmt: skip


def answer(**fields):
    mover = ExplainedMover(
        product_id="A", title="Wren", category=None, change=change(), q_value=0.001, cause=cause()
    )
    return Overview(
        **{
            "days": 90,
            "now": period("2026-07-02", "2026-09-29"),
            "before": period("2026-04-03", "2026-07-01"),
            "worse": [mover],
            "better": [],
            "products_tested": 12,
            "compared": compared(),
            "aspects": [aspect()],
            "waiting": Waiting(ingests=0, reviews=0, failed_shards=0, failed_ingests=0),
            "freshness": freshness(),
            **fields,
        }
    )


def drawn(place=None, **fields):
    client = SimpleNamespace(overview=lambda **_query: answer(**fields))
    return overview_html(client, place or Place())


def links(html):
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda _tag, attributes: found.extend(
        value for name, value in attributes if name == "href"
    )
    parser.feed(html)
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, Place()),
        ({"days": "365", "category": "Audio"}, Place("Audio", "365")),
        ({"days": "-1"}, Place()),
        ({"days": "1e9", "evidence": "/reviews"}, Place(evidence="/reviews")),
        ({"category": "x" * 9999}, Place("x" * 512)),
    ],
)
def test_an_address_is_read_and_what_is_not_valid_is_left_out(query, expected):
    assert Place.of(query) == expected


def test_every_figure_links_to_its_reviews_and_keeps_the_choices():
    found = [parse_qs(link.removeprefix("?")) for link in links(drawn(Place("Audio", "30")))]
    assert len(found) >= 10
    for query in found:
        assert (query["category"], query["days"]) == (["Audio"], ["30"])
        assert query["evidence"][0].startswith("/reviews")


@pytest.mark.parametrize(
    "link", ["javascript:x", "//evil.example/reviews", "/reviewsx", "/collect"]
)
def test_no_other_address_becomes_a_link(link):
    mover = answer().worse[0].model_copy(update={"cause": cause(link=link)})
    html = drawn(worse=[mover])
    assert "hinge: 0 → 15 complaints" in html
    assert link not in "".join(links(html))


def test_texts_of_answers_are_escaped():
    mover = answer().worse[0].model_copy(
        update={"title": EVIL, "cause": cause(EVIL, EVIL)}
    )  # fmt: skip
    html = drawn(worse=[mover], aspects=[aspect(EVIL)])
    assert "<script>" not in html
    assert "{{" not in html
    assert "**" not in html


def test_what_waits_is_said():
    assert "Nothing waits." in drawn()
    waiting = Waiting(ingests=2, reviews=700, failed_shards=3, failed_ingests=1)
    html = drawn(waiting=waiting)
    assert "2 uploads are in work, 700 reviews wait for the model." in html
    assert "3 batches of 1 uploads failed" in html


def test_without_dates_changes_and_costs_it_says_so():
    html = drawn(now=None, before=None, worse=[], compared=None, aspects=[])
    assert "No review has a date yet" in html
    assert "No product got worse by more than chance explains (12 tested)." in html
    assert "No complaint surely costs anything" in html


def test_an_explanation_has_its_counts_and_quotes():
    explanation = Explanation(
        first_day="2026-01-01", last_day="2026-09-29", reviews_before=82, reviews_after=28,
        aspects_tested=21, causes=[cause()],
    )  # fmt: skip
    html = explanation_html(explanation)
    assert "54% of 28 reviews complain about it since, 0% of 82 did before." in html
    assert "Before: no review mentions it." in html
    assert "The hinge broke." in html
    assert "No aspect explains it" in explanation_html(
        explanation.model_copy(update={"causes": []})
    )
    assert explanation_html(None) == ""


def test_an_impact_is_said_in_its_unit_and_only_where_there_are_complaints():
    html = impact_html(aspect(), compared())
    assert "A complaint: −2.0 stars (−2.5 to −1.5)." in html
    assert "All of them: −0.25 on the mean." in html
    assert "1.2 in 5 reviews that complain, 4.5 in 9 reviews that do not mention it" in html
    assert "points of net sentiment" in impact_html(aspect(), compared("sentiment"))
    assert impact_html(aspect(impact=impact(0, reviews=0)), compared()) == ""
    assert impact_html(aspect(impact=None), None) == ""
