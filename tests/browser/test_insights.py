"""Trends and products, over a server that has all routes, a hostile one and an older one."""

import pytest

from tests.browser.checks import flaws
from tests.browser.contract import PRODUCT

pytestmark = pytest.mark.timeout(300)


def looked_closer(visit, url, **how):
    tab = visit(url, **how).tab("Products")
    tab.wait_for(f"#league >> text={PRODUCT} >> visible=true")
    tab.page.fill("#product-id textarea, #product-id input", PRODUCT)
    tab.page.click("#product-button")
    tab.wait_for("#product section:nth-of-type(4) li, #product .card")
    return tab


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)])
def test_a_change_is_marked_told_and_proved(visit, contract_page, width, dark):
    tab = visit(contract_page, width=width, dark=dark).tab("Trends")
    tab.wait_for("#trend-sentiment .js-plotly-plot .bars")
    tab.wait_for("#trend-stars .js-plotly-plot .scatterlayer .trace")
    assert "110 reviews" in tab.text("#trend")
    assert "Reviews up to 29 November 2026" in tab.text("#trend")
    assert "3 more are on their way" in tab.text("#trend")
    assert "worse since 16 March 2026" in tab.page.locator("#trend-sentiment").inner_text()
    tab.wait_for("#trend-proof .card")
    assert "Worse since 16 March 2026: 62% of 40 reviews" in tab.text("#trend-proof")
    facts = tab.page.locator("#trend-proof .facts").all_inner_texts()
    assert len(facts) == 5
    assert all("negative" in one and PRODUCT in one for one in facts)
    assert "Wren Folding Headphones" in tab.text("#movers")
    assert "110" in tab.text("#segments")
    assert tab.width() == 0
    assert flaws(tab.page) == []
    tab.picture(f"trends-{'phone-dark' if dark else 'laptop'}")


def test_the_plot_tells_a_figure_under_the_pointer(visit, contract_page):
    tab = visit(contract_page).tab("Trends")
    bar = tab.page.locator("#trend-sentiment .bars .point path").nth(60)
    bar.hover(force=True)
    tab.wait_for("#trend-sentiment .hoverlayer text >> text=/reviews/")


def test_products_are_chosen_and_trends_are_theirs(visit, contract_page):
    tab = visit(contract_page).tab("Trends")
    tab.wait_for("#trend-sentiment .js-plotly-plot")
    tab.page.locator("#trends-product input").click()
    tab.page.get_by_role("option", name="Wren Folding Headphones (110)").click()
    tab.wait_for("#trend >> text=110 reviews")


def test_the_league_table_has_all_products_and_one_can_be_looked_at(visit, contract_page):
    tab = looked_closer(visit, contract_page)
    league = tab.text("#league")
    assert "Wren Folding Headphones" in league
    assert "RL-KIT-01" in league
    said = tab.text("#product")
    assert "net sentiment" in said
    assert "hinge" in said
    assert "“The hinge cracked clean through after three weeks.”" in said
    assert "Great product, five stars." in said
    assert "Newest reviews" in said
    tab.picture("products-laptop")


def test_a_row_of_the_table_opens_its_product(visit, contract_page):
    tab = visit(contract_page).tab("Products")
    tab.page.locator("#league >> text=Copperline Kettle >> visible=true").first.click()
    tab.wait_for("#product section >> text=Copperline Kettle")


def test_an_unknown_product_is_told(visit, contract_page):
    tab = visit(contract_page).tab("Products")
    tab.page.fill("#product-id textarea, #product-id input", "../../none <b>")
    tab.page.click("#product-button")
    tab.wait_for("#product .note.error")
    assert "product" in tab.text("#product").lower()


def test_reviews_that_carry_markup_are_text_everywhere(visit, hostile_page):
    tab = visit(hostile_page, width=375).tab("Trends")
    tab.wait_for("#movers table")
    tab.wait_for("#segments section:nth-of-type(2) table")
    tab.wait_for("#trend-proof .card")
    assert tab.page.locator("#segments script, #segments img, #segments a").count() == 0
    assert tab.width() == 0
    tab.tab("Products")
    tab.wait_for(f"#league >> text={PRODUCT} >> visible=true")
    tab.page.fill("#product-id textarea, #product-id input", PRODUCT)
    tab.page.click("#product-button")
    tab.wait_for("#product blockquote")
    assert "<script>window.hacked = 1</script>" in tab.text("#product")
    assert tab.page.locator("#product script, #product img, #product a").count() == 0
    assert tab.width() == 0
    tab.tab("Explore")
    tab.page.fill("#search-text textarea, #search-text input", "hinge")
    tab.page.click("#search-button")
    tab.wait_for("#search-results .card")
    assert "**bold** [link](javascript:window.hacked=1)" in tab.text("#search-results")
    assert tab.width() == 0
    assert tab.page.evaluate("window.hacked") is None
    tab.picture("hostile-phone")


def test_an_older_server_is_said_to_be_one(visit, older_page):
    tab = visit(older_page).tab("Trends")
    tab.wait_for("#trend >> text=not available on this server")
    tab.wait_for("#movers >> text=not available on this server")
    assert tab.page.locator(".js-plotly-plot").count() == 0
    tab.tab("Products")
    tab.wait_for(f"#league >> text={PRODUCT} >> visible=true")
    tab.page.fill("#product-id textarea, #product-id input", PRODUCT)
    tab.page.click("#product-button")
    tab.wait_for("#product .card")
    assert "Aspects of reviews: not available on this server" in tab.text("#product")


def test_a_server_that_is_gone_is_told(visit, page_over):
    tab = visit(page_over("http://127.0.0.1:1"))
    tab.wait_for("#banner >> text=does not answer")
    tab.page.fill("#analyze-text textarea", "It broke.")
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .note.error >> text=cannot be reached")
