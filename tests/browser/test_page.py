"""The page over a stack of its own, for visitors and for programs."""

import csv
import gzip
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client

from frontend_space.tabs.analyze import EXAMPLES
from reviewlens import Client as ApiClient
from tests.browser.checks import flaws

pytestmark = pytest.mark.timeout(900)
TEXT = "The hinge snapped after three weeks and support never answered. Lovely sound, though."


def analyzed(visit, url, text=TEXT, **how):
    tab = visit(url, **how)
    tab.page.fill("#analyze-text textarea", text)
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .verdict")
    return tab


def words_in_answer(home, text):
    """The text, if the model of the stack says which words moved its sentiment."""
    with ApiClient(home.gateway) as client:
        return [text] if client.analyze(text).words else []


def test_a_text_is_analysed_with_its_words_and_similar_reviews(visit, home):
    tab = analyzed(visit, home.url)
    analysis = tab.text("#analysis")
    assert "negative" in tab.text("#analysis .verdict h3")
    shares = [float(v.rstrip("%")) for v in tab.page.locator(".verdict .value").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    words = words_in_answer(home, TEXT)
    assert tab.page.locator("#analysis .words").all_inner_texts() == words
    assert bool(tab.page.locator("#analysis mark.for").count()) is bool(words)
    assert tab.page.locator("#analysis .card").count() == 5
    assert "% similar" in analysis
    assert "shares “hinge”" in analysis
    titles = tab.page.locator("#analysis .card h4").all_inner_texts()
    assert len(titles) == 5
    related = [float(s.split("%")[0]) >= 40 for s in tab.page.locator(".score").all_inner_texts()]
    (counted,) = re.findall(r"(?:of|all) (\d+) related reviews", analysis)
    assert int(counted) == sum(related)
    tab.picture("analyze-laptop")


def test_the_examples_of_the_page_are_understood(home):
    with ApiClient(home.gateway) as client:
        results = client.analyze_batch(list(EXAMPLES)).results
    assert [result.sentiment for result in results] == [
        "negative",
        "positive",
        "neutral",
        "negative",
    ]


def test_markup_in_a_text_is_shown_as_text(visit, home):
    evil = "<script>window.hacked=1</script> <img src=x onerror=window.hacked=1> it broke **badly**"
    tab = analyzed(visit, home.url, evil)
    words = words_in_answer(home, evil)
    assert tab.page.locator("#analysis .words").all_inner_texts() == words
    assert tab.page.evaluate("window.hacked") is None


def test_without_a_text_the_page_asks_for_one(visit, home):
    tab = visit(home.url)
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis >> text=There is no text yet")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_link_is_shown_and_copied_and_analyses_its_text(visit, home, allowed):
    tab = visit(home.url, permissions=["clipboard-read", "clipboard-write"] if allowed else [])
    text = "It broke & nobody answers? 100% ü"
    tab.page.fill("#analyze-text textarea", text)
    tab.page.click("#share-button")
    said = "The link is copied" if allowed else "Copy this link"
    tab.wait_for(f"#share-note >> text={said}")
    link = tab.page.locator("#share-link textarea, #share-link input").input_value()
    assert link.startswith(home.url)
    if allowed:
        assert tab.page.evaluate("navigator.clipboard.readText()") == link
    again = visit(link, alone=True)
    again.wait_for("#analysis .verdict")
    assert again.page.input_value("#analyze-text textarea") == text
    words = words_in_answer(home, text)
    assert again.page.locator("#analysis .words").all_inner_texts() == words


def test_a_text_that_is_too_long_for_a_link(visit, home):
    tab = visit(home.url)
    tab.page.fill("#analyze-text textarea", "x" * 1501)
    tab.page.click("#share-button")
    tab.wait_for("#share-note >> text=too long for a link")


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
    tab.page.get_by_role("tab", name="Browse").click()
    tab.page.click("#browse-button")
    tab.wait_for("#browse-results .card")
    first = tab.text("#browse-results")
    tab.page.click("#browse-next")
    tab.page.wait_for_function(
        "(was) => document.querySelector('#browse-results').innerText !== was", arg=first
    )
    assert tab.page.locator("#browse-results .card").count() == 10
    tab.page.click("#browse-previous")
    tab.page.wait_for_function(
        "(was) => document.querySelector('#browse-results .cards').innerText === was",
        arg=first.partition("Reviews up to")[0].strip(),
    )
    assert tab.page.is_disabled("#browse-previous")


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
def test_the_page_is_accessible(visit, home, dark):
    tab = analyzed(visit, home.url, dark=dark)
    tab.page.wait_for_timeout(300)
    assert flaws(tab.page) == []


def leads_to_the_button(page):
    """Press Tab in the text; the way may lead over a button of its box."""
    page.focus("#analyze-text textarea")
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "analyze-button":
            return True
    return False


def test_the_page_works_with_the_keyboard_only(visit, home):
    tab = visit(home.url)
    tab.page.focus("#analyze-text textarea")
    tab.page.keyboard.type("It broke.")
    # a page that is still loading may take the focus away once
    assert any(leads_to_the_button(tab.page) for _ in range(3))
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


def test_a_taken_port_ends_with_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "frontend_space", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).resolve().parents[2],
        )
    assert done.returncode == 2
    assert (
        done.stderr == f"Port {port} for the page is already in use. Choose another with --port.\n"
    )


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
