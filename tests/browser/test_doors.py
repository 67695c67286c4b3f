"""A website under another host name that leads to this machine reads and sends nothing."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.timeout(900)
SITE = "evil.example"
UNPROTECTED = (
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,"
    "PrivateNetworkAccessSendPreflights,PrivateNetworkAccessRespectPreflightResults"
)
"""Turns off what a new Chromium does itself against such sites: other browsers do not."""
TRY = """async ([url, method, headers]) => {
  const options = {method, headers, credentials: 'include'};
  if (method === 'POST') { options.body = new FormData();
    options.body.append('files', new Blob(['text\\nbroke\\n']), 'x.csv'); }
  try { const answer = await fetch(url, options);
    return `${answer.status} ${(await answer.text()).slice(0, 60)}`; }
  catch (error) { return 'blocked'; }
}"""
"""A request from the website; ``blocked``: the browser does not show it the answer."""
LOAD = """(url) => new Promise((resolve) => { const image = new Image();
  image.onload = () => resolve('loaded'); image.onerror = () => resolve('refused');
  image.src = url; })"""
PAGE_ROUTES = ("/", "/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x")
GATEWAY_ROUTES = ("/", "/reviews", "/products", "/health", "/openapi.json", "/docs")
REFUSED = re.compile(r"blocked|4(03|21) .*")


@contextmanager
def website():
    """The port of a site with an empty page."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>a site</title>")

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def rebound(chromium):
    """Chromium in which the names of a website lead to this machine."""
    rule = f"--host-resolver-rules=MAP {SITE} 127.0.0.1, MAP *.{SITE} 127.0.0.1"
    return chromium(UNPROTECTED, rule)


@pytest.fixture
def visitor(rebound):
    context = rebound.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def servers(home):
    """Port of each server of this machine, and the routes to try."""
    running = home.folder.running()
    return {
        home.port: PAGE_ROUTES,
        running.gateway: GATEWAY_ROUTES,
        running.aws: ("/", "/reviewlens-raw", "/reviewlens-raw/uploads/samples/kitchen.tsv"),
    }


def test_a_rebound_name_reads_and_sends_nothing(visitor, servers):
    """The site's name leads to our port, so that the browser takes our answers for its own."""
    for port, routes in servers.items():
        origin = f"http://{SITE}:{port}"
        assert visitor.goto(origin).status == 421
        # the site served its page from its own machine, before it moved its name to this one
        visitor.route(f"{origin}/site", lambda route: route.fulfill(body="a site"))
        visitor.goto(f"{origin}/site")
        for path in routes:
            assert visitor.evaluate(TRY, [f"{origin}{path}", "GET", {}]).startswith("421 ")
        for path in ("/gradio_api/upload", "/collect", "/reviewlens-raw"):
            assert visitor.evaluate(TRY, [f"{origin}{path}", "POST", {}]).startswith("421 ")


def test_another_site_reads_and_sends_nothing(visitor, servers, home):
    with website() as site:
        visitor.goto(f"http://{SITE}:{site}")
        before = home.ingests()
        for port, routes in servers.items():
            for path in (*routes, "/gradio_api/upload", "/collect", "/reviewlens-raw"):
                url = f"http://127.0.0.1:{port}{path}"
                for method in ("GET", "POST"):
                    assert REFUSED.fullmatch(visitor.evaluate(TRY, [url, method, {}])), url
                preflight = visitor.evaluate(TRY, [url, "PUT", {"x-api-key": "x"}])
                assert preflight == "blocked", url
                assert visitor.evaluate(LOAD, url) == "refused"
        assert home.ingests() == before


def test_a_page_on_another_port_of_this_machine_is_another_site(visitor, servers):
    with website() as site:
        visitor.goto(f"http://127.0.0.1:{site}")
        for port, routes in servers.items():
            for path in routes:
                url = f"http://127.0.0.1:{port}{path}"
                for method in ("GET", "POST"):
                    assert visitor.evaluate(TRY, [url, method, {}]) == "blocked", url


def test_no_site_can_frame_the_page_or_the_gateway(visitor, servers):
    with website() as site:
        visitor.goto(f"http://{SITE}:{site}")
        for port in servers:
            statuses = []
            visitor.on("response", lambda answer, seen=statuses: seen.append(answer.status))
            visitor.evaluate(
                "(url) => new Promise((done) => { const frame = document.createElement('iframe');"
                "frame.onload = done; frame.src = url; document.body.append(frame); })",
                f"http://127.0.0.1:{port}/",
            )
            assert all(status in (403, 421) for status in statuses)
