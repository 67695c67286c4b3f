"""Trends over the real stack: the problem of the samples, and one of an uploaded dump."""

import csv
import itertools
from datetime import date, timedelta

import pytest

pytestmark = pytest.mark.timeout(900)

FIRST, BROKE = date(2026, 1, 5), date(2026, 4, 20)
PRODUCT, TITLE = "TERN-MUG", "Tern Travel Mug"
WHO = ("My sister", "My father", "I", "A colleague of mine", "Our neighbour")
FINE = (
    "took it on the train and the tea was hot after five hours, wonderful.",
    "loves the handle and the colour, a great gift.",
    "put it in a bag upside down and the lid kept everything dry.",
)
BAD = (
    "opened the bag and the lid had leaked over everything, what a mess.",
    "got burned because the lid leaks, I want my money back.",
    "threw it away: the lid leaked on the first day. Terrible.",
)


@pytest.fixture
def dump(tmp_path):
    """105 days of a good mug, one review a day, then 40 of one whose lid leaks."""
    path = tmp_path / "mugs.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("product_id", "product_title", "category", "text", "rating", "date"))
        days = (BROKE - FIRST).days
        for n, (who, fine, bad) in enumerate(
            itertools.islice(itertools.cycle(itertools.product(WHO, FINE, BAD)), days + 40)
        ):
            broken = n >= days and n % 5 < 4
            opinion, stars = (bad, 1) if broken else (fine, 5)
            text = f"{who} {opinion} That was number {n} of them."
            rows.writerow((PRODUCT, TITLE, "Kitchen", text, stars, FIRST + timedelta(days=n)))
    return path


def trend_of(tab, name):
    tab.tab("Trends")
    tab.wait_for("#trend >> text=net sentiment")
    tab.page.locator("#trends-product input").click()
    tab.page.get_by_role("option", name=name).click()
    return tab


def test_the_problem_of_the_samples_is_found(visit, home):
    tab = visit(home.url).tab("Trends")
    tab.wait_for("#movers >> text=Wren Folding Headphones")
    assert "RL-AUD-01" in tab.text("#movers")
    assert "11% of 82 → 71% of 28" in tab.text("#movers")
    assert "All stored reviews are analysed" in tab.text("#movers")
    trend_of(tab, "Wren Folding Headphones")
    tab.wait_for("#trend-proof >> text=Worse since 14 March 2026")
    facts = tab.page.locator("#trend-proof .facts").all_inner_texts()
    assert len(facts) == 5
    assert all("negative" in one and "RL-AUD-01" in one for one in facts)
    assert "worse since 14 March 2026" in tab.page.locator("#trend-sentiment").inner_text()
    segments = tab.text("#segments")
    assert "By category" in segments
    assert "By source" in segments
    tab.picture("trends-real-laptop")
    assert tab.width() == 0


def test_a_problem_in_an_uploaded_dump_is_found(visit, home, dump):
    tab = visit(home.url).upload(dump)
    tab.wait_for("#upload-status >> text=Done.")
    trend_of(tab, TITLE)
    tab.wait_for("#trend-proof >> text=Worse since 20 April 2026")
    tab.wait_for("#trend >> text=145 reviews")
    assert "leak" in tab.text("#trend-proof")
    tab.wait_for(f"#movers >> text={TITLE}")
    tab.tab("Products")
    tab.page.locator(f"#league >> text={TITLE} >> visible=true").first.click()
    tab.wait_for("#product section:nth-of-type(3) .card h4 >> text=/lid/")
    tab.picture("products-real-laptop")
    assert tab.width() == 0
