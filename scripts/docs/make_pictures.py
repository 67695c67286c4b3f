"""Take the pictures of the page that the README shows: docs/pictures/*.png.

    python scripts/docs/make_pictures.py [URL]

Without a URL it serves the page over a stack of its own, and waits until the samples are in it.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradio_client import Client
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"
TEXT = "The hinge snapped after three weeks and support never answered. Lovely sound, though."
PRODUCT = "RL-AUD-01"
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
]
_PORT = 8016
_PATIENCE_SECONDS = 300.0
_COLOURS = 128
_MILLISECONDS = 60_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Take them; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _page(given[0] if given else None) as url, sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        _take(browser, url, "analyze", {"width": 1200, "height": 900}, "light", _analyze)
        _take(browser, url, "trends", {"width": 1200, "height": 900}, "light", _trends)
        _take(browser, url, "products", {"width": 1200, "height": 900}, "light", _products)
        _take(browser, url, "phone", {"width": 375, "height": 812}, "dark", _analyze)
        browser.close()
    return 0


@contextmanager
def _page(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REVIEWLENS_")}
    with subprocess.Popen(
        [sys.executable, "-m", "frontend_space", "--port", str(_PORT)], env=kept, cwd=ROOT
    ) as process:
        try:
            address = f"http://127.0.0.1:{_PORT}"
            _wait(address)
            yield address
        finally:
            process.terminate()


def _wait(address: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if Client(address, verbose=False).predict(api_name="/state")["state"] == "ready":
                return
        except Exception:  # noqa: BLE001 - it is starting, and answers in any way
            time.sleep(1)
        time.sleep(0.5)
    raise TimeoutError("the page is not ready")


def _take(browser: Any, url: str, name: str, size: dict[str, int], mode: str, show: Any) -> None:
    page = browser.new_page(viewport=size, color_scheme=mode)
    page.set_default_timeout(_MILLISECONDS)
    page.goto(url)
    page.wait_for_selector("#analyze-text textarea")
    show(page)
    page.wait_for_timeout(500)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    page.close()
    # few colours are enough, and a third of the bytes
    Image.open(path).convert("RGB").quantize(_COLOURS).save(path, optimize=True)


def _analyze(page: Page) -> None:
    page.fill("#analyze-text textarea", TEXT)
    page.click("#analyze-button")
    page.wait_for_selector("#analysis .verdict")
    page.locator("#analysis").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#analyze-text').scrollIntoView()")


def _trends(page: Page) -> None:
    page.get_by_role("tab", name="Trends", exact=True).click()
    page.locator("#trends-product input").click()
    page.get_by_role("option", name="Wren Folding Headphones").click()
    page.wait_for_selector("#trend-proof .card")
    page.wait_for_selector("#trend-sentiment .js-plotly-plot .bars")
    page.evaluate("document.querySelector('#trend').scrollIntoView()")


def _products(page: Page) -> None:
    page.get_by_role("tab", name="Products", exact=True).click()
    page.locator("#league >> text=Wren Folding Headphones >> visible=true").first.click()
    page.wait_for_selector("#product .card.aspect")
    page.evaluate("document.querySelector('#product').scrollIntoView()")


if __name__ == "__main__":
    sys.exit(main())
