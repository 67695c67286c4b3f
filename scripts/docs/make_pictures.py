"""Take the screenshots of the page for the README: docs/pictures/*.png.

    python scripts/docs/make_pictures.py [URL]

Without a URL, starts the page with its own stack and waits until the samples are ingested.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradio_client import Client
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from cdk.paths import ROOT

FOLDER = ROOT / "docs" / "pictures"
TEXT = "The hinge cracked after three weeks and I want a refund."
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
]
_PORT = 8016
_START_TIMEOUT_SECONDS = 300.0
_PALETTE_COLOURS = 128
_PAGE_TIMEOUT_MS = 60_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the screenshots; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _serve_page(arguments[0] if arguments else None) as url, sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        desktop, phone = {"width": 1200, "height": 900}, {"width": 375, "height": 812}
        _take_picture(browser, url, "analyze", desktop, "light", _show_analysis)
        _take_picture(browser, url, "trends", desktop, "light", _show_trends)
        first_aspects = desktop | {"height": 624}
        _take_picture(browser, url, "products", first_aspects, "light", _show_products)
        _take_picture(browser, url, "phone", phone, "dark", _show_analysis)
        browser.close()
    return 0


@contextmanager
def _serve_page(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    environment = {k: v for k, v in os.environ.items() if not k.startswith("REVIEWLENS_")}
    with subprocess.Popen(
        [sys.executable, "-m", "frontend_space", "--port", str(_PORT)], env=environment, cwd=ROOT
    ) as process:
        try:
            address = f"http://127.0.0.1:{_PORT}"
            _wait_until_ready(address)
            yield address
        finally:
            process.terminate()


def _wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            if Client(address, verbose=False).predict(api_name="/state")["state"] == "ready":
                return
        except Exception:  # noqa: BLE001 - any error is possible while it starts
            time.sleep(1)
        time.sleep(0.5)
    raise TimeoutError("the page is not ready")


def _take_picture(
    browser: Any, url: str, name: str, size: dict[str, int], mode: str, show: Any
) -> None:
    page = browser.new_page(viewport=size, color_scheme=mode)
    page.set_default_timeout(_PAGE_TIMEOUT_MS)
    page.goto(url)
    page.wait_for_selector("#overview section")
    show(page)
    page.wait_for_timeout(500)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    page.close()
    # a palette is sufficient and reduces the size by two thirds
    Image.open(path).convert("RGB").quantize(_PALETTE_COLOURS).save(path, optimize=True)


def _show_analysis(page: Page) -> None:
    page.get_by_role("tab", name="Analyze", exact=True).click()
    page.fill("#analyze-text textarea", TEXT)
    page.click("#analyze-button")
    page.wait_for_selector("#analysis .verdict")
    page.locator("#analysis").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#analyze-text').scrollIntoView()")


def _show_trends(page: Page) -> None:
    page.get_by_role("tab", name="Trends", exact=True).click()
    page.locator("#trends-product input").click()
    page.get_by_role("option", name="Wren Folding Headphones").click()
    page.wait_for_selector("#trend-proof .card")
    page.wait_for_selector("#trend-sentiment .js-plotly-plot .bars")
    page.evaluate("document.querySelector('#trend').scrollIntoView()")


def _show_products(page: Page) -> None:
    page.get_by_role("tab", name="Products", exact=True).click()
    page.locator("#league >> text=Morrow Espresso Pot >> visible=true").first.click()
    page.wait_for_selector("#product .card.aspect")
    page.evaluate("document.querySelector('#product').scrollIntoView()")


if __name__ == "__main__":
    sys.exit(main())
