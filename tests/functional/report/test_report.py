"""Reports: a page that needs no other file, or a PDF with its text."""

import itertools
import re
from collections import Counter
from datetime import date, timedelta
from io import BytesIO

import pypdf
import pytest

from tests.functional.report.conftest import QUOTE
from tests.functional.report.pages import MAX_PICTURE_BYTES, Page, pdf_text, pictures

HOSTILE = (
    "<script>alert('x')</script><img src=x onerror=alert(1)> \"quoted\" & </blockquote> "
    "{{ 7 * 7 }} <para><b>bold</b> $x^{2}$"
)


def test_a_report_names_the_problem_its_day_and_the_reviews_that_prove_it(made):
    page = Page(made.html)
    assert page.headings[0] == ["h1", "Reviews of Wren Folding Headphones"]
    assert "Product RL-1, category Audio" in page.text
    assert "Period: 5 January 2026 to 21 June 2026 (UTC)" in page.text
    assert "all reviews until 30 June 2026, 10:30 UTC; 2 reviews not in the figures" in page.text
    assert "98 reviews: 20% positive, 26% neutral, 54% negative." in page.text
    assert "Since 16 March 2026 the reviews are worse: 75% are negative, 25% were" in page.text
    assert "p < 0.0001" in page.text
    proof = page.quotes[:5]
    assert len(proof) == 5
    assert all(QUOTE in quote for quote in proof)


def test_shares_name_the_reviews_that_they_are_of(report, shop):
    for n in range(10):
        sentiment = "positive" if n < 4 else None
        shop.add("RL/2", "Boils.", day=date(2023, 1, 3), rating=None, sentiment=sentiment)
    page = Page(report("--product", "RL/2", "--from", "2023-01-01", "--to", "2023-12-31"))
    assert "10 reviews; of the 4 analysed: 100% positive" in page.text


def test_a_report_has_every_section(made):
    page = Page(made.html)
    assert [title for level, title in page.headings if level == "h2"] == [
        "Overview",
        "What changed",
        "Sentiment over time",
        "Mean stars over time",
        "What people praise and complain about",
        "Stars given",
        "Stars, texts and pictures that disagree",
        "Repeated and copied reviews",
        "Worst reviews",
        "Best reviews",
        "Categories and sources",
        "About these figures",
    ]
    assert "Not available" not in page.text
    assert "folding hinge" in page.text
    assert QUOTE in page.quotes, "an aspect's quote is verbatim"
    assert "5 of 5 stars, 1 May 2026" in page.text
    assert "many stars, an unhappy text" in page.text
    assert "nearly the same words, 4 reviews, 1 product, 3 reviewers" in page.text


def test_the_page_needs_no_network_no_script_and_no_other_file(made):
    text = made.html
    page = Page(text)
    tags = Counter(name for name, _ in page.tags)
    assert not set(tags) & {"script", "link", "iframe", "object", "embed", "form"}
    assert all(one["href"].startswith("#") for one in page.all("a"))
    assert not re.findall(r"url\(|@import|https?://|//[a-z]", re.sub(r"base64,[^\"]+", "", text))
    plots = pictures(page)
    assert len(plots) >= 10
    assert sum(map(len, plots)) < MAX_PICTURE_BYTES
    for picture in plots:
        assert picture.lstrip().startswith(b"<?xml")
        assert b"<script" not in picture
        assert b"<image" not in picture


def test_every_plot_is_described_in_text(made):
    page = Page(made.html)
    assert all(len(one["alt"]) > 40 for one in page.all("img"))
    assert any(
        "Negative: 25% from 5 January 2026, 75% from 15 June" in i["alt"] for i in page.all("img")
    )
    assert page.all("html") == [{"lang": "en"}]
    scopes = Counter(one.get("scope") for one in page.all("th"))
    assert set(scopes) == {"col", "row"}
    assert len(page.all("caption")) == len(page.all("table"))
    levels = [int(level[1]) for level, _ in page.headings]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    targets = {one["id"] for _, one in page.tags if "id" in one}
    assert {one["href"][1:] for one in page.all("a")} <= targets


def test_the_page_has_a_dark_mode_and_prints_light(made):
    page = Page(made.html)
    assert {one["media"] for one in page.all("source")} == {
        "screen and (prefers-color-scheme: dark)"
    }
    light, dark = pictures(page)[0], pictures(page)[len(page.all("img"))]
    assert b"#ffffff" in light
    assert b"#151a22" in dark


@pytest.mark.parametrize("to", ["report.html", "report.pdf"])
def test_the_same_answers_give_the_same_file(report, made, to):
    content = report("--product", "RL-1", to=to)
    if to.endswith(".pdf"):
        assert without_time(pdf_text(content)) == without_time(pdf_text(made.pdf))
        return
    assert without_time(content) == without_time(made.html)


def without_time(text):
    """A report without its time."""
    return re.sub(r"Made: [^<]{1,30}UTC", "", text)


def test_a_pdf_has_its_text_as_text_and_an_outline(made):
    body = made.pdf
    reader = pypdf.PdfReader(BytesIO(body))
    text = pdf_text(body)
    assert reader.metadata.title == "Reviews of Wren Folding Headphones"
    assert "Since 16 March 2026 the reviews are worse: 75% are negative" in text
    assert QUOTE in text
    assert "week from" in text
    assert [entry.title for entry in reader.outline][:3] == [
        "Overview",
        "What changed",
        "Sentiment over time",
    ]
    assert sum(len(page.images) for page in reader.pages) >= 5
    assert len(body) < MAX_PICTURE_BYTES


def test_a_heading_of_a_pdf_is_never_the_last_line_of_its_page(made):
    reader = pypdf.PdfReader(BytesIO(made.pdf))
    titles = {entry.title for entry in reader.outline}
    for page in reader.pages:
        lines = [line.strip() for line in page.extract_text().splitlines() if line.strip()]
        body = [line for line in lines if not re.fullmatch(r"Reviews of .*\(UTC\)|\d+", line)]
        assert body[-1] not in titles


@pytest.mark.parametrize("to", ["report.html", "report.pdf"])
def test_markup_of_reviewers_is_text(report, shop, to):
    for product in shop.products.values():
        product["title"], product["category"] = f"{HOSTILE} title", HOSTILE
    for review in shop.reviews:
        review["text"], review["source"] = f"{HOSTILE} {review['review_id']}", HOSTILE
    shop.aspects[0]["aspect"] = HOSTILE
    shop.aspects[0]["quotes"][0]["text"] = HOSTILE
    shop.groups[0]["text"] = HOSTILE
    body = report("--product", "RL-1", to=to)
    if to.endswith(".pdf"):
        assert "<script>alert('x')</script><img src=x onerror=alert(1)>" in pdf_text(body)
        assert "{{ 7 * 7 }} <para><b>bold</b>" in pdf_text(body)
        return
    page = Page(body)
    assert not page.all("script")
    assert all("onerror" not in one for one in page.all("img"))
    assert any(HOSTILE in quote for quote in page.quotes)
    for picture in pictures(page):
        assert b"<script" not in picture


@pytest.mark.parametrize("to", ["report.html", "report.pdf"])
def test_long_words_long_texts_and_other_scripts_are_shown(report, shop, to):
    word = "Donaudampfschiff" * 40
    shop.reviews[-1]["text"] = f"{word} {'und so weiter ' * 500}"
    shop.add("RL-1", "Очень хорошие наушники, звук отличный. 音が良い 🙂\x07", sentiment="positive",
             rating=5.0, confidence=0.999)  # fmt: skip
    shop.products["RL-1"]["title"] = f"Наушники {word} 耳机"
    body = report("--product", "RL-1", to=to)
    text = pdf_text(body) if to.endswith(".pdf") else Page(body).text
    assert "Очень хорошие наушники, звук отличный." in text
    assert "und so weiter […]" in text
    if to.endswith(".pdf"):
        assert "□ replaces a character that this file's font lacks" in text
    else:
        assert "音が良い 🙂" in text
    assert len(body) < MAX_PICTURE_BYTES


def test_without_reviews_the_report_says_so(report, shop):
    shop.reviews.clear()
    shop.products.clear()
    shop.aspects.clear()
    shop.groups.clear()
    shop.changes.clear()
    page = Page(report())
    assert page.headings[0][1] == "Reviews of all products"
    assert "There are no reviews in this period." in page.text
    assert "all reviews until 30 June 2026, 10:30 UTC" in page.text
    assert page.all("img") == []
    assert "There is no product." in page.text
    assert "There are no reviews in this period." in pdf_text(report(to="empty.pdf"))


def test_reviews_that_are_not_analysed_yet_are_counted(report, shop):
    for review in shop.reviews:
        review["sentiment"] = None
    shop.changes.clear()
    page = Page(report("--product", "RL-1"))
    assert "98 reviews; none is analysed yet." in page.text
    assert "No analysed review of this period has a date." in page.text
    assert "Mean stars by week" in page.all("img")[0]["alt"]


def test_all_products_are_ranked_and_those_that_changed_come_first(report):
    page = Page(report())
    assert page.section("Products that changed") < page.section("Products")
    assert "RL-1 Wren Folding Headphones 16 March 2026 worse 25% 75% 0.0004" in page.text
    assert "RL/2 Kettle 24 24 4.00 0% 0% 100% +100" in page.text
    assert "Lowest Net Sentiment" in page.text


def test_a_category_contains_its_own_products_only(report, shop):
    page = Page(report("--category", "Kitchen"))
    assert page.headings[0][1] == "Reviews of Kitchen"
    assert "24 reviews: 100% positive" in page.text
    assert "Wren" not in page.text
    assert "Repeated reviews are listed by product or for all, not by category." in page.text


def test_a_product_with_a_slash_in_its_id_is_found(report):
    assert "Reviews of Kettle" in report("--product", "RL/2")


def test_a_period_is_applied_and_shown(report, shop):
    page = Page(report("--product", "RL-1", "--from", "2026-01-05", "--to", "2026-02-01"))
    assert "Period: 5 January 2026 to 1 February 2026 (UTC)" in page.text
    assert "16 reviews: 50% positive, 25% neutral, 25% negative." in page.text
    assert "Aspects, repeated reviews, products and categories are of all reviews." in page.text
    queries = [query for path, query in shop.requests if path == "/trends"]
    assert queries[-1]["interval"] == "month", "sources"
    assert any(query["interval"] == "day" for query in queries), "a short period is shown by day"


def test_stars_are_counted_over_more_than_one_page_and_bounded(report, shop):
    for number in range(2100):
        shop.add("RL/2", f"Boils {number}", day=date(2026, 6, 1), rating=2.0, sentiment="neutral")
    page = Page(report("--product", "RL/2"))
    assert "Of 2,000 reviews, the newest; there are more." in page.text
    pages = [
        q
        for path, q in shop.requests
        if path == "/reviews" and set(q) <= {"product_id", "cursor", "limit"}
    ]
    assert len(pages) <= 11


def test_decades_of_reviews_stay_within_bounds(report, shop):
    for number in range(1500):
        day = date(1990, 1, 1) + timedelta(days=9 * number)
        shop.add("RL/2", f"Year {day.year}", day=day, rating=1.0 + number % 5, sentiment="negative")
    page = Page(report("--product", "RL/2"))
    assert "month from" in page.text
    assert sum(map(len, pictures(page))) < MAX_PICTURE_BYTES


def test_months_without_reviews_or_stars_are_gaps(report, shop):
    for month, stars in ((1, 4.0), (2, None), (6, 2.0), (7, 2.0), (11, None), (12, 5.0)):
        shop.add("RL/2", "Boils.", day=date(2023, month, 3), rating=stars, sentiment="positive")
    page = Page(report("--product", "RL/2", "--from", "2023-01-01", "--to", "2023-12-31"))
    assert any("highest 5.0 from" in image["alt"] for image in page.all("img"))
    assert "6 reviews: 100% positive" in page.text
