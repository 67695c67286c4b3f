"""The page over a stack of its own, for visitors and for programs."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client

from tests.browser.checks import flaws

pytestmark = pytest.mark.timeout(300)
TEXT = "The hinge snapped after three weeks and support never answered. Lovely sound, though."


def analyzed(visit, url, text=TEXT, **how):
    tab = visit(url, **how)
    tab.page.fill("#analyze-text textarea", text)
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .verdict")
    return tab


def test_a_text_is_analysed_with_its_words_and_similar_reviews(visit, home):
    tab = analyzed(visit, home.url)
    analysis = tab.text("#analysis")
    assert "negative" in tab.text("#analysis .verdict h3")
    shares = [float(v.rstrip("%")) for v in tab.page.locator(".verdict .value").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert tab.page.locator("#analysis .words").inner_text() == TEXT
    assert "snapped" in " ".join(tab.page.locator("#analysis mark.for").all_inner_texts())
    assert tab.page.locator("#analysis .card").count() == 5
    assert "% similar" in analysis
    assert "shares “hinge”" in analysis
    tab.picture("analyze-laptop")


def test_markup_in_a_text_is_shown_as_text(visit, home):
    evil = "<script>window.hacked=1</script> <img src=x onerror=window.hacked=1> it broke **badly**"
    tab = analyzed(visit, home.url, evil)
    assert tab.page.locator("#analysis .words").inner_text() == evil
    assert tab.page.evaluate("window.hacked") is None


def test_without_a_text_the_page_asks_for_one(visit, home):
    tab = visit(home.url)
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis >> text=There is no text yet")


def test_a_picture_is_not_used_and_the_page_says_so(visit, home):
    tab = visit(home.url)
    tab.page.get_by_role("button", name="Add a picture").click()
    tab.page.get_by_label("Address of a picture").fill("http://127.0.0.1:1/x.png")
    tab.page.fill("#analyze-text textarea", TEXT)
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .note.warning >> text=/image|picture/i")


def test_a_link_contains_the_text(visit, home):
    tab = visit(home.url)
    tab.page.fill("#analyze-text textarea", "Ein Text & mehr? 100% ü")
    tab.page.click("#share-button")
    link = tab.page.locator("#share-link textarea, #share-link input")
    link.wait_for()
    tab.page.wait_for_function(
        "() => document.querySelector('#share-link textarea, #share-link input').value"
    )
    again = visit(link.input_value())
    again.page.wait_for_function(
        "() => document.querySelector('#analyze-text textarea').value === 'Ein Text & mehr? 100% ü'"
    )


def test_a_text_that_is_too_long_for_a_link(visit, home):
    tab = visit(home.url)
    tab.page.fill("#analyze-text textarea", "x" * 1501)
    tab.page.click("#share-button")
    tab.page.wait_for_function(
        "() => document.querySelector('#share-link textarea, #share-link input')"
        "?.value.includes('too long')"
    )


def test_search_by_meaning_with_filters(visit, home):
    tab = visit(home.url).tab("Explore")
    tab.page.fill("#search-text textarea, #search-text input", "the hinge broke")
    tab.page.get_by_role("button", name="Filters").first.click()
    tab.page.get_by_label("Product id").first.fill("RL-AUD-01")
    tab.page.click("#search-button")
    tab.wait_for("#search-results .card")
    facts = tab.page.locator("#search-results .facts").all_inner_texts()
    assert len(facts) == 10
    assert all("RL-AUD-01" in one and "% similar" in one for one in facts)
    assert "hinge" in tab.text("#search-results")
    tab.picture("explore-laptop")
    tab.page.get_by_label("From day (UTC)").first.fill("yesterday")
    tab.page.click("#search-button")
    tab.wait_for("#search-results .note.error >> text=Days are written like 2026-03-16")


def test_stored_reviews_come_page_by_page(visit, home):
    tab = visit(home.url).tab("Explore")
    tab.page.get_by_role("tab", name="Browse stored reviews").click()
    tab.page.click("#browse-button")
    tab.wait_for("#browse-results .card")
    first = tab.text("#browse-results")
    tab.page.click("#browse-more")
    tab.page.wait_for_function(
        "(was) => document.querySelector('#browse-results').innerText !== was", arg=first
    )
    assert tab.page.locator("#browse-results .card").count() == 10


def test_an_uploaded_dump_is_counted_and_its_rejects_can_be_downloaded(visit, home, tmp_path):
    rows = [
        {"Meinung": f"Lamp number {n} burned out after a day.", "Note": n % 5 + 1, "Ding": "LAMP-9"}
        for n in range(30)
    ]
    bad = {"Meinung": None, "Note": 5, "Ding": "=HYPERLINK(1)"}
    path = tmp_path / "lamps.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(r) for r in [*rows, bad]).encode()))
    tab = visit(home.url).upload(path, "text=Meinung, rating=Note, product_id=Ding")
    tab.wait_for("#upload-status >> text=Done.")
    status = tab.text("#upload-status")
    assert "rows read\t31" in status
    assert "stored\t30" in status
    assert "refused\t1" in status
    tab.wait_for("#rejects-download")
    tab.picture("upload-laptop")
    with tab.page.expect_download() as caught:
        tab.page.click("#rejects-download")
    with Path(caught.value.path()).open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["reason"] == "text_missing"
    assert "HYPERLINK" in row["raw"]
    assert not any(cell.startswith(("=", "+", "@")) for cell in row.values())
    tab.tab("Products")
    tab.page.fill("#product-id textarea, #product-id input", "LAMP-9")
    tab.page.click("#product-button")
    tab.wait_for("#product >> text=burned out after a day")


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("broken.bin", b"\x00\x01\x02 not a dump \xff" * 50, "format is not supported"),
        ("empty.csv", b"", "empty"),
        ("own.csv", b"Meinung,Note\nkaputt,1\n", "Choose the column of the text"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(visit, home, tmp_path, name, body, sentence):
    path = tmp_path / name
    path.write_bytes(body)
    tab = visit(home.url).upload(path)
    tab.wait_for("#upload-status .note.error")
    assert sentence in tab.text("#upload-status")
    tab.picture(f"upload-{name.partition('.')[0]}")


def test_columns_that_are_not_pairs_are_refused(visit, home, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b\n1,2\n")
    tab = visit(home.url).upload(path, "text")
    tab.wait_for("#upload-status >> text=must have the form field=column")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_phone(visit, home, dark):
    tab = analyzed(visit, home.url, f"{TEXT} {'w' * 400}", width=375, height=740, dark=dark)
    mode = "dark" if dark else "light"
    tab.picture(f"analyze-phone-{mode}")
    assert tab.width() == 0
    for name in ("Explore", "Trends", "Products", "Upload"):
        tab.tab(name)
        tab.page.wait_for_timeout(300)
        assert tab.width() == 0, name
    assert tab.page.evaluate("document.body.classList.contains('dark')") is dark


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_is_accessible(visit, home, dark):
    tab = analyzed(visit, home.url, dark=dark)
    tab.page.wait_for_timeout(300)
    assert flaws(tab.page) == []


def test_the_page_works_with_the_keyboard_only(visit, home):
    tab = visit(home.url)
    tab.page.focus("#analyze-text textarea")
    tab.page.keyboard.type("It broke.")
    tab.page.keyboard.press("Tab")
    for _ in range(4):  # the way may lead over a button of the box itself
        if tab.page.evaluate("document.activeElement.id") == "analyze-button":
            break
        tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.id") == "analyze-button"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert tab.page.evaluate(outline) != "none"
    tab.page.keyboard.press("Enter")
    tab.wait_for("#analysis .verdict")


# programs


@pytest.fixture(scope="module")
def program(home):
    return Client(home.url, verbose=False)


def test_a_program_sees_the_named_endpoints_and_no_others(program):
    named = program.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {"/analyze", "/search_similar", "/products", "/trends", "/state"}
    assert not program.view_api(return_format="dict")["unnamed_endpoints"]


def test_a_program_gets_json(program):
    analysis = program.predict("It broke on the first day.", api_name="/analyze")
    assert analysis["sentiment"] == "negative"
    assert sum(analysis["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    answer = program.predict("hinge broke", 3, api_name="/search_similar")
    assert len(answer["results"]) == 3
    assert program.predict(api_name="/state") == {"state": "ready", "message": ""}


@pytest.mark.parametrize("text", ["", "  ", "x" * 10_001])
def test_a_program_must_send_a_usable_text(program, text):
    with pytest.raises(Exception, match="1 to 10,000 characters"):
        program.predict(text, api_name="/analyze")


def test_an_address_in_place_of_a_file_is_not_fetched(home, contract_address):
    """An upload accepts files only: an address in place of a file gets no request."""
    import httpx

    config = httpx.get(f"{home.url}/config").json()
    (file,) = [c for c in config["components"] if c["props"].get("elem_id") == "dump"]
    events = [d for d in config["dependencies"] if file["id"] in d["inputs"]]
    assert len(events) == 3
    address = f"{contract_address.url}/dump.csv"
    data = {"path": address, "url": address, "meta": {"_type": "gradio.FileData"}}
    for event in events:
        session = f"s{event['id']}"
        inputs = [data, *[""] * (len(event["inputs"]) - 1)]
        body = {"data": inputs, "fn_index": event["id"], "session_hash": session}
        httpx.post(f"{home.url}/gradio_api/queue/join", json=body)
        with httpx.stream(
            "GET", f"{home.url}/gradio_api/queue/data", params={"session_hash": session}, timeout=30
        ) as answer:
            for line in answer.iter_lines():
                if "process_completed" in line:
                    assert json.loads(line.removeprefix("data: "))["success"] is False
                    break
    assert contract_address.requests == []


def test_an_invalid_setting_is_named():
    environment = {**os.environ, "REVIEWLENS_API_URL": "ftp://x"}
    done = subprocess.run(
        [sys.executable, "-m", "frontend_space"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.returncode == 2
    assert "REVIEWLENS_API_URL" in done.stderr
