"""Pictures in the page: chosen, read, shown as they were encoded anew, and refused."""

import pytest

from tests.browser.checks import flaws
from tests.pictures import drawn, saved

pytestmark = pytest.mark.timeout(900)
TEXT = "The hinge snapped after three weeks and support never answered."
PHONE = {"width": 375, "height": 740}
SIZES = pytest.mark.parametrize("how", [{}, {**PHONE, "dark": True}], ids=["laptop", "phone"])


def unfolded(tab):
    """The tab with its folded part for a picture open."""
    tab.page.locator("button.label-wrap", has_text="Picture").locator("visible=true").click()
    return tab


@SIZES
def test_a_picture_beside_a_text_is_shown_as_it_was_read(visit, home, tmp_path, how):
    file = tmp_path / "box.png"
    file.write_bytes(saved(drawn(640, 480), "PNG"))
    tab = unfolded(visit(home.url, **how))
    tab.page.fill("#analyze-text textarea", TEXT)
    tab.page.set_input_files("#analyze-picture input[type=file]", file)
    tab.wait_for("#analyze-picture >> text=box")
    tab.page.click("#analyze-button")
    image = tab.wait_for("#analysis figure.picture img")
    assert image.get_attribute("src").startswith("data:image/jpeg;base64,")
    assert image.evaluate("(e) => [e.naturalWidth, e.naturalHeight]") == [256, 192]
    assert "Read: text and picture." in tab.text("#analysis figure")
    assert "that of the text alone" in tab.text("#analysis")
    assert tab.page.locator("#analysis .card").count() == 5
    tab.picture(f"analyze-picture-{'phone' if how else 'laptop'}")
    assert flaws(tab.page) == []
    assert tab.width() == 0


@SIZES
def test_a_refused_address_is_a_warning_and_is_not_opened_by_the_browser(visit, home, how):
    tab = unfolded(visit(home.url, **how))
    tab.page.fill("#analyze-text textarea", TEXT)
    tab.page.fill("#analyze-address textarea, #analyze-address input", "http://a.example/a.png")
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .note.warning >> text=must start with https")
    assert tab.page.locator("#analysis .verdict").count() == 1
    assert tab.page.locator("#analysis img").count() == 0
    tab.page.fill("#analyze-address textarea, #analyze-address input", "a picture of mine")
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .note.error >> text=starts with https")
    tab.picture(f"analyze-address-{'phone' if how else 'laptop'}")
    assert tab.width() == 0


def test_a_search_by_picture_shows_what_was_searched_for(visit, home, tmp_path):
    file = tmp_path / "box.webp"
    file.write_bytes(saved(drawn(30, 40), "WebP"))
    tab = unfolded(visit(home.url, **PHONE).tab("Explore"))
    tab.page.set_input_files("#search-picture input[type=file]", file)
    tab.wait_for("#search-picture >> text=box")
    tab.page.click("#search-button")
    tab.wait_for("#search-results figure.picture img")
    assert "Read: picture." in tab.text("#search-results figure")
    assert tab.page.locator("#search-results .card").count() == 10
    tab.picture("explore-picture-phone")
    assert tab.width() == 0


@SIZES
def test_cards_of_stored_reviews_have_the_pictures_that_we_encoded(visit, contract_page, how):
    tab = visit(contract_page, **how).tab("Explore")
    tab.page.get_by_role("tab", name="Browse", exact=True).click()
    tab.page.click("#browse-button")
    tab.wait_for("#browse-results .card img")
    images = tab.page.locator("#browse-results .card img")
    assert (images.count(), tab.page.locator("#browse-results .card").count()) == (5, 10)
    sources = images.evaluate_all("(all) => all.map((e) => e.src.slice(0, 23))")
    assert set(sources) == {"data:image/jpeg;base64,"}
    tab.picture(f"browse-pictures-{'phone' if how else 'laptop'}")
    assert flaws(tab.page) == []
    assert tab.width() == 0
