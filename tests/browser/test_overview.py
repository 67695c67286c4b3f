"""The overview over the real stack: seen at once, every figure a link, the address says it all."""

import pytest

from tests.browser.checks import flaws

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)])
def test_what_changed_is_seen_without_pressing_anything(visit, home, width, dark):
    tab = visit(home.url, "Overview", width=width, dark=dark)
    tab.wait_for("#overview >> text=Got worse")
    text = tab.text("#overview")
    assert "Wren Folding Headphones" in text
    assert "worse since 14 March 2026" in text
    assert "hinge: 0 → 18 complaints" in text
    assert "Nothing waits." in text or "in work" in text
    assert tab.width() == 0
    assert flaws(tab.page) == []
    tab.picture(f"overview-{width}")


def test_a_figure_leads_to_its_reviews(visit, home):
    tab = visit(home.url, "Overview")
    tab.wait_for("#overview >> text=18 complaints")
    link = tab.page.get_by_role("link", name="hinge: 0 → 18 complaints").get_attribute("href")
    # opened as a new visitor would: a page that is left in the middle of a request complains
    proof = visit(f"{home.url}/{link}", "Overview")
    proof.wait_for("#evidence .card")
    cards = proof.page.locator("#evidence .card").all_inner_texts()
    assert len(cards) == 18
    assert all("hinge" in card.lower() for card in cards)


def test_the_choices_are_in_the_address(visit, home):
    tab = visit(home.url, "Overview")
    tab.wait_for("#overview >> text=2 July 2026 to 29 September 2026")
    tab.page.locator("#overview-days input").click()
    tab.page.get_by_role("option", name="30 days").click()
    tab.wait_for("#overview >> text=31 August 2026 to 29 September 2026")
    assert "days=30" in tab.page.url
    again = visit(tab.page.url, "Overview")
    again.tab("Trends").tab("Overview")  # at once, before the pickers may have their choices
    again.wait_for("#overview >> text=31 August 2026 to 29 September 2026")
    assert again.page.locator("#overview-days input").input_value() == "30 days"


@pytest.mark.parametrize("evidence", ["/collect", "https://example.org/reviews", "//x/reviews"])
def test_a_link_leads_nowhere_but_to_reviews(visit, home, evidence):
    tab = visit(f"{home.url}/?evidence={evidence}", "Overview")
    tab.wait_for("#evidence .note")
    assert tab.page.locator("#evidence .card").count() == 0
