"""One page with a stack of its own for all tests, pages over other servers, and a browser."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import sync_playwright

from local.stack.ports import free_port
from local.state import StateFolder
from reviewlens import ApiError, Client
from tests.browser.contract import CLOSED, Contract, serving

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "page"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
]
_EXPECTED = json.loads((Path(__file__).parents[2] / "samples/expected.json").read_text())
SAMPLE_REVIEWS = sum(file["stored"] for file in _EXPECTED["files"].values())
PATIENCE = 240.0
VIOLATIONS = """addEventListener('securitypolicyviolation', (event) => console.error(
  `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"""
"""Makes everything that the content security policy blocks an error of the tab."""
MILLISECONDS = 180_000


class Home:
    """``python -m frontend_space`` with a stack of its own."""

    def __init__(self, folder, log):
        self.folder = StateFolder(folder)
        self.port = free_port(0, purpose="page", option="--port")
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("REVIEWLENS_", "AWS_"))
        }
        settings = {"REVIEWLENS_STATE": str(folder), "REVIEWLENS_POINTER_REFRESH_SECONDS": "1"}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "frontend_space", "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=inherited | settings,
                cwd=Path(__file__).resolve().parents[2],
            )

    @property
    def gateway(self):
        """Address of its own API; None before the API runs."""
        running = self.folder.running()
        return running and running.gateway_url

    def wait(self):
        """Wait until all samples can be searched."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self._log.read_text()
            with suppress(httpx.HTTPError, ApiError):
                self.page_seconds = self._page_seconds()
                if self.gateway and self._is_ready():
                    return self
            time.sleep(0.2)
        raise AssertionError(f"the page is not ready: {self._log.read_text()}")

    def _is_ready(self):
        with Client(self.gateway) as client:
            statuses = [ingest.status for ingest in client.ingests().ingests]
            index = client.service_health("retrieval").index_version or ""
            return statuses == ["processed"] * 4 and f"-{SAMPLE_REVIEWS}-" in index

    def ingests(self):
        """Ids of all ingests."""
        with Client(self.gateway) as client:
            return {ingest.ingest_id for ingest in client.ingests().ingests}

    def _page_seconds(self):
        httpx.get(self.url).raise_for_status()
        return time.time() - psutil.Process(self.process.pid).create_time()

    def stop(self):
        """Stop it as Ctrl-C does; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture(scope="package")
def home():
    """The page over its own stack, with all samples in it."""
    # not below pytest's folder: another pytest that starts closes that to PostgreSQL's account
    with tempfile.TemporaryDirectory(prefix="reviewlens-test-") as folder:
        started = Home(Path(folder) / "state", Path(folder) / "log")
        try:
            yield started.wait()
        finally:
            assert started.stop() == 0, "it did not end in order"


@pytest.fixture(scope="package")
def page_over():
    """``page_over(url)``: address of a page over the API at ``url``."""
    from frontend_space.app import served
    from frontend_space.settings import PageSettings

    with ExitStack() as cleanup:

        def start(url):
            settings = PageSettings(api_url=url)
            return cleanup.enter_context(served(settings, host="127.0.0.1", port=None))

        yield start


@pytest.fixture(scope="package")
def contract_page(home, page_over):
    """A page over a server with all routes."""
    with serving(Contract(home.gateway)) as url:
        yield page_over(url)


@pytest.fixture(scope="package")
def hostile_page(home, page_over):
    """A page over a server whose reviews carry markup."""
    with serving(Contract(home.gateway, hostile=True)) as url:
        yield page_over(url)


@pytest.fixture(scope="package")
def restricted_page(home, page_over):
    """A page whose key does not permit all routes."""
    with serving(Contract(home.gateway, closed=CLOSED)) as url:
        yield page_over(url)


class _Listener:
    """A server that should get no request."""

    def __init__(self, url, requests):
        self.url = url
        self.requests = requests


@pytest.fixture
def contract_address(home):
    """A server, and the list of its requests."""
    contract = Contract(home.gateway)
    with serving(contract) as url:
        yield _Listener(url, contract.requests)


@pytest.fixture(scope="package")
def chromium():
    """``chromium(flag, …)`` starts Chromium: that of the system, else that of playwright."""
    with sync_playwright() as playwright, ExitStack() as cleanup:
        path = shutil.which("chromium") or shutil.which("chromium-browser")

        def start(*flags):
            started = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
            cleanup.callback(started.close)
            return started

        yield start


@pytest.fixture(scope="package")
def browser(chromium):
    """One Chromium for all visitors; their tabs share a process, which keeps compiled scripts."""
    return chromium("--process-per-site", "--disable-features=SpareRendererForSitePerProcess")


@pytest.fixture(scope="package")
def profile(browser, home):
    """What visitors share, as one after the other would on one machine: the cache of files."""
    context = browser.new_context(accept_downloads=True)
    context.new_page().goto(f"{home.url}/config")  # stays open, and with it the process of tabs
    yield context
    context.close()


class Visit:
    """One visitor's tab, with the errors in it."""

    def __init__(self, page):
        self.page = page
        self.errors = []
        page.set_default_timeout(MILLISECONDS)
        page.add_init_script(VIOLATIONS)
        page.on("console", self._add_console_error)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._check_request)

    def _add_console_error(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _check_request(self, request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.errors.append(f"requested {request.url}")

    def open(self, url, tab="Analyze"):
        """Go there and wait until a tab of it can be used."""
        self.page.goto(url)
        self.page.wait_for_selector("#overview, #analyze-text textarea")
        if tab != "Overview":
            self.tab(tab)
        if tab == "Analyze":
            self.page.wait_for_selector("#analyze-text textarea")
        self.page.wait_for_load_state("load")
        return self

    def tab(self, name):
        """Open a tab, also where it hides behind the menu of a narrow screen."""
        button = self.page.get_by_role("tab", name=name, exact=True)
        if not button.first.is_visible():
            self.page.locator(".overflow-menu > button").first.click()
            button = self.page.locator(".overflow-dropdown button", has_text=name)
        button.first.click()
        return self

    def choose_file(self, path):
        """Choose a file on the tab Upload and wait for its preview."""
        self.tab("Upload")
        self.page.set_input_files("#dump input[type=file]", path)
        self.wait_for(f"#dump >> text={path.name.split('.')[0]}")
        self.wait_for("#preview-note .note")
        return self

    def choose_column(self, field, column):
        """Choose the column of a field from its list."""
        box = self.page.locator(f"#column-{field} input")
        box.click()
        options = self.page.locator(f"#{box.get_attribute('aria-controls')}")
        options.get_by_role("option", name=column, exact=True).click()
        return self

    def upload(self, path, columns=""):
        """Choose a file on the tab Upload and send it, with a mapping that is written out."""
        self.choose_file(path)
        if columns:
            self.page.get_by_role("button", name="Advanced options").click()
            self.page.fill("#mapping textarea, #mapping input", columns)
        self.page.click("#upload-button")
        return self

    def text(self, selector):
        """The text that is shown there."""
        return self.page.inner_text(selector)

    def wait_for(self, selector, **options):
        """Wait until it is shown."""
        return self.page.wait_for_selector(selector, **options)

    def forget(self):
        """Forget what the page stored in the browser."""
        self.page.evaluate("localStorage.clear()")

    def width(self):
        """Pixels that stick out to the right of the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def picture(self, name):
        """Keep a screenshot as an artefact."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


@pytest.fixture
def visit(browser, profile):
    """``visit(url, width, height, …)``: a new visitor; the tab must have no errors.

    ``alone``: one who has never been here, and whose cache is empty.
    """
    with ExitStack() as cleanup:
        visits = []

        def start(url, tab="Analyze", *, width=1280, height=850, dark=False, **who):
            permissions, alone = who.pop("permissions", ()), who.pop("alone", False)
            assert not who
            context = profile
            if alone:
                context = browser.new_context(accept_downloads=True)
                cleanup.callback(context.close)
            context.grant_permissions(list(permissions))
            page = context.new_page()
            cleanup.callback(page.close)
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme="dark" if dark else "light")
            visits.append(Visit(page))
            return visits[-1].open(url, tab)

        yield start
        for each in visits:
            each.forget()
        profile.clear_cookies()
        profile.clear_permissions()
        assert [error for each in visits for error in each.errors] == []
