"""A dump is shown, mapped from lists and only then uploaded, on a laptop and on a phone."""

import csv
import os

import openpyxl
import pytest

from reviewlens import Client
from tests.browser.checks import flaws

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def dump(tmp_path):
    """``dump(product)``: 24 reviews with column names of their own, a duplicate and a bad row."""

    def write(product):
        path = tmp_path / f"opinions-{product}.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("Opinion", "Grade", "Ware", "When", "Colour"))
            for n in range(24):
                opinion = f"The spout of {product} number {n} leaks and the lid is loose."
                rows.writerow((opinion, n % 10 + 1, product, f"2026-03-{n + 1:02}", "red"))
            rows.writerow((opinion, n % 10 + 1, product, f"2026-03-{n + 1:02}", "red"))
            rows.writerow(("", 3, product, "2026-03-01", "blue"))
        return path

    return write


def newest_ingest(home):
    with Client(home.gateway) as client:
        return client.ingests(limit=1).ingests[0]


@pytest.mark.parametrize(("width", "name"), [(1280, "laptop"), (375, "phone")])
def test_a_dump_is_previewed_mapped_from_lists_and_uploaded(visit, home, dump, width, name):
    product = f"KETTLE-{name}"
    before = newest_ingest(home).ingest_id
    tab = visit(home.url, width=width).choose_file(dump(product))
    assert "Choose the columns below: no column is known to hold the text" in tab.text(
        "#preview-note"
    )
    for field, column in {"text": "Opinion", "rating": "Grade", "product_id": "Ware"}.items():
        tab.choose_column(field, column)
    tab.wait_for("#preview >> text=product_id ← Ware")
    tab.choose_column("date", "When")
    tab.wait_for("#preview >> text=date ← When")
    assert (
        "Preview of 26 rows: 24 would be stored, 1 is a duplicate, 1 would be refused. "
        "Nothing is uploaded yet."
    ) in tab.text("#preview-note")
    shown = tab.text("#preview")
    assert "text ← Opinion, rating ← Grade" in shown
    assert "1..10 (decided from 26 ratings from 1 to 10)" in shown
    assert "en 25" in shown
    assert "Colour" in shown
    assert tab.page.locator("#preview table").nth(1).locator("tbody tr").count() == 10
    assert "2026-03-10" in shown
    assert tab.width() == 0
    assert flaws(tab.page) == []
    tab.picture(f"preview-{name}")
    assert newest_ingest(home).ingest_id == before, "it was uploaded without being asked to"
    tab.page.click("#upload-button")
    tab.wait_for("#upload-status >> text=Done.")
    status = tab.text("#upload-status")
    for count in ("rows read\t26", "stored\t24", "duplicates\t1", "refused\t1"):
        assert count in status
    tab.tab("Products")
    tab.page.fill("#product-id textarea, #product-id input", product)
    tab.page.click("#product-button")
    tab.wait_for(f"#product >> text=The spout of {product} number 23 leaks")


def test_known_columns_are_preselected_and_can_be_dropped(visit, home, tmp_path):
    path = tmp_path / "known.csv"
    path.write_text("review,stars,title,user id\nIt is warm.,5,Fine,U1\nIt is cold.,1,Bad,U2\n")
    tab = visit(home.url).choose_file(path)
    tab.wait_for("#preview >> text=title ← title")
    values = {
        field: tab.page.locator(f"#column-{field} input").input_value()
        for field in ("text", "rating", "title", "date")
    }
    assert values == {"text": "review", "rating": "stars", "title": "title", "date": "not used"}
    tab.choose_column("title", "not used")
    tab.wait_for("#preview >> text=/reviewer ← user id/")
    tab.page.wait_for_selector("#preview >> text=title ← title", state="detached")
    tab.choose_column("text", "not used")
    tab.wait_for("#preview-note >> text=Choose the column of the text.")
    tab.page.click("#upload-button")
    tab.wait_for("#upload-status .note.error >> text=Choose the column of the text.")


def test_options_that_are_written_out_change_the_preview(visit, home, tmp_path):
    path = tmp_path / "scale.csv"
    path.write_text("review,rating\nIt is warm.,4\nIt is cold.,2\n")
    tab = visit(home.url).choose_file(path)
    tab.wait_for("#preview >> text=1..5")
    tab.page.get_by_role("button", name="Advanced options").click()
    tab.page.fill("#mapping textarea, #mapping input", "rating_scale=10")
    tab.page.keyboard.press("Enter")
    tab.wait_for("#preview >> text=1..10 (stated rating_scale=10)")
    tab.page.fill("#mapping textarea, #mapping input", "rating_scale")
    tab.page.keyboard.press("Enter")
    tab.wait_for("#preview-note .note.error >> text=must have the form field=column")


def test_a_large_workbook_has_no_preview_and_can_be_uploaded(visit, home, tmp_path):
    path = tmp_path / "large.xlsx"
    workbook = openpyxl.Workbook()
    workbook.active.append(["text", "rating", "product_id", "photo"])
    for n in range(60):
        workbook.active.append(
            [f"It broke after {n} days.", 1, "SHEET-1", os.urandom(15_000).hex()]
        )
    workbook.save(path)
    assert path.stat().st_size > 700_000
    before = newest_ingest(home).ingest_id
    tab = visit(home.url).choose_file(path)
    note = tab.text("#preview-note")
    assert "There is no preview of this file" in note
    assert "can be uploaded all the same" in note
    tab.page.click("#upload-button")
    tab.wait_for("#upload-status >> text=Done.")
    assert "stored\t60" in tab.text("#upload-status")
    assert newest_ingest(home).ingest_id != before
