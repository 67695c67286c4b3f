"""Trends and products: over all routes, over hostile answers, and with a restricted key."""

import pytest

from reviewlens import Client
from tests.browser.checks import flaws
from tests.browser.contract import PRODUCT

pytestmark = pytest.mark.timeout(900)


def product_details(visit, url, **how):
    tab = visit(url, **how).tab("Products")
    tab.wait_for(f"#league >> text={PRODUCT} >> visible=true")
    tab.page.fill("#product-id textarea, #product-id input", PRODUCT)
    tab.page.click("#product-button")
    tab.wait_for("#product section:nth-of-type(5) li, #product .card")
    return tab


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)])
def test_a_change_is_marked_explained_and_proved(visit, contract_page, width, dark):
    tab = visit(contract_page, width=width, dark=dark).tab("Trends")
    tab.wait_for("#trend-sentiment .js-plotly-plot .bars")
    tab.wait_for("#trend-stars .js-plotly-plot .scatterlayer .trace")
    assert "110 reviews" in tab.text("#trend")
    assert "Reviews up to 29 November 2026" in tab.text("#trend")
    assert "3 more are not yet in these figures" in tab.text("#trend")
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


def test_the_plot_shows_the_figure_under_the_pointer(visit, contract_page):
    tab = visit(contract_page).tab("Trends")
    bar = tab.page.locator("#trend-sentiment .bars .point path").nth(60)
    bar.hover(force=True)
    tab.wait_for("#trend-sentiment .hoverlayer text >> text=/reviews/")


def test_trends_of_a_chosen_product(visit, contract_page):
    tab = visit(contract_page).tab("Trends")
    tab.wait_for("#trend-sentiment .js-plotly-plot")
    tab.page.locator("#trends-product input").click()
    tab.page.get_by_role("option", name="Wren Folding Headphones (110)").click()
    tab.wait_for("#trend >> text=110 reviews")


def test_the_table_has_all_products_and_their_details(visit, contract_page):
    tab = product_details(visit, contract_page)
    league = tab.text("#league")
    assert "Wren Folding Headphones" in league
    assert "RL-KIT-01" in league
    details = tab.text("#product")
    assert "net sentiment" in details
    assert "hinge" in details
    assert "“The hinge cracked clean through after three weeks.”" in details
    assert "Great product, five stars." in details
    assert "Newest reviews" in details
    tab.picture("products-laptop")


def test_all_products_of_a_page_are_shown_without_a_scroll_of_their_own(visit, home):
    tab = visit(home.url).tab("Products")
    tab.wait_for("#league >> text=Wren >> visible=true")
    with Client(home.gateway) as client:
        products = client.products(limit=25).page().products
    assert len(products) >= 12
    for product in products:
        tab.page.locator(f"#league >> text={product.product_id} >> visible=true").wait_for()
    scrolled = "(e) => [...e.querySelectorAll('*')].some((x) => x.scrollHeight > x.clientHeight + 2"
    scrolled += " && getComputedStyle(x).overflowY !== 'visible' && x.clientHeight > 100)"
    assert tab.page.locator("#league").evaluate(scrolled) is False
    assert "press a heading" not in tab.text("#league")


def test_a_row_of_the_table_opens_its_product(visit, contract_page):
    tab = visit(contract_page).tab("Products")
    tab.page.locator("#league >> text=Copperline Kettle >> visible=true").first.click()
    tab.wait_for("#product section >> text=Copperline Kettle")


def test_an_unknown_product_is_an_error(visit, contract_page):
    tab = visit(contract_page).tab("Products")
    tab.page.fill("#product-id textarea, #product-id input", "../../none <b>")
    tab.page.click("#product-button")
    tab.wait_for("#product .note.error")
    assert "product" in tab.text("#product").lower()


def test_markup_in_reviews_is_text_everywhere(visit, hostile_page):
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
    assert tab.page.locator("#product script, #product img").count() == 0
    # the figures of the summary are links of the page itself
    own = 'a[href^="?"][href*="evidence=%2F"]'
    assert tab.page.locator(f"#product {own}").count() == tab.page.locator("#product a").count() > 0
    assert tab.width() == 0
    tab.tab("Explore")
    tab.page.fill("#search-text textarea, #search-text input", "hinge")
    tab.page.click("#search-button")
    tab.wait_for("#search-results .card")
    assert "**bold** [link](javascript:window.hacked=1)" in tab.text("#search-results")
    assert tab.width() == 0
    assert tab.page.evaluate("window.hacked") is None
    tab.picture("hostile-phone")


def test_what_the_key_does_not_permit_is_named(visit, restricted_page):
    tab = visit(restricted_page).tab("Trends")
    tab.wait_for("#trend >> text=not available on this server")
    tab.wait_for("#movers >> text=not available on this server")
    assert tab.page.locator(".js-plotly-plot").count() == 0
    tab.tab("Products")
    tab.wait_for(f"#league >> text={PRODUCT} >> visible=true")
    tab.page.fill("#product-id textarea, #product-id input", PRODUCT)
    tab.page.click("#product-button")
    tab.wait_for("#product .card")
    sections = tab.page.locator("#product section")
    aspects = sections.filter(has_text="What people talk about").inner_text()
    assert "not available on this server" in aspects


def test_a_server_that_does_not_run_is_an_error(visit, page_over):
    tab = visit(page_over("http://127.0.0.1:1"))
    tab.wait_for("#banner >> text=does not answer")
    tab.page.fill("#analyze-text textarea", "It broke.")
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .note.error >> text=cannot be reached")
