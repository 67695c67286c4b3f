"""Who may use the page, and what it fetches, over real HTTP and without a browser."""

import json
import os
import socket
import stat
from pathlib import Path

import httpx
import pytest
import safehttpx
from gradio_client import Client

from frontend_space.access import OpenPageError, login_of
from frontend_space.app import served
from frontend_space.settings import PageSettings
from tests.listening import listening

TOKEN = "a token of these tests"
OUTSIDE = "http://fetched.example/x.csv"
FOREIGN = {"origin": "http://evil.example"}
ROUTES = (
    *("/", "/config", "/theme.css", "/gradio_api/info", "/gradio_api/queue/data?session_hash=s"),
    *("/gradio_api/heartbeat/s", "/gradio_api/upload_progress?upload_id=u", "/gradio_api/app_id"),
    *("/gradio_api/call/state/e", "/gradio_api/openapi.json", "/gradio_api/startup-events"),
)
POSTS = ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/call/state", "/login")


def settings(**fields):
    return PageSettings(api_url="http://127.0.0.1:1", **fields)


@pytest.fixture(scope="module")
def page():
    """A client of a page over an API that does not answer."""
    with (
        served(settings(), host="127.0.0.1", port=None) as url,
        httpx.Client(base_url=url, timeout=180, trust_env=False) as client,
    ):
        yield client


def problem_of(answer):
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("path", ROUTES)
def test_another_host_or_site_reads_nothing(page, path):
    for host in ("evil.example", "localhost", "testserver"):
        answer = page.get(path, headers={"host": host})
        assert problem_of(answer) == (421, "untrusted_host")
    assert problem_of(page.get(path, headers=FOREIGN)) == (403, "foreign_origin")
    preflight = FOREIGN | {"access-control-request-method": "POST"}
    assert problem_of(page.options(path, headers=preflight)) == (403, "foreign_origin")
    image = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert problem_of(page.get(path, headers=image)) == (403, "foreign_origin")


@pytest.mark.parametrize("path", POSTS)
def test_another_host_or_site_sends_nothing(page, path):
    files = {"files": ("x.csv", b"a")}
    answer = page.post(path, headers={"host": "evil.example"}, files=files)
    assert problem_of(answer) == (421, "untrusted_host")
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:3000"):
        answer = page.post(path, headers={"origin": origin}, files=files)
        assert problem_of(answer) == (403, "foreign_origin")


def test_other_sites_may_link_to_the_page_only(page):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    link |= {"sec-fetch-dest": "document"}
    assert page.get("/?text=x", headers=link).status_code == 200
    answer = page.get("/gradio_api/info", headers=link)
    assert problem_of(answer) == (403, "foreign_origin")


def test_the_own_page_is_answered_without_permission_for_others(page):
    own = {"origin": str(page.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    for path in ("/", "/config", "/theme.css", "/gradio_api/info"):
        answer = page.get(path, headers=own)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
    policy = page.get("/").headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "http" not in policy


@pytest.mark.parametrize(
    "path",
    [
        *(f"file={OUTSIDE}", f"file/{OUTSIDE}", f"proxy={OUTSIDE}", "file=https:/fetched.example"),
        *("dev/reload", "vibe-code", "runs", "run-history/buckets", "deep_link", "stream/a/b"),
    ],
)
def test_routes_that_fetch_or_are_not_used_are_closed(page, path):
    assert page.get(f"/gradio_api/{path}").status_code == 404


def complete(page, body):
    """Send one event; returns whether it succeeded."""
    joined = page.post("/gradio_api/queue/join", json=body | {"session_hash": "s"})
    if joined.status_code != 200:
        return False
    with page.stream("GET", "/gradio_api/queue/data", params={"session_hash": "s"}) as answer:
        for line in answer.iter_lines():
            if "process_completed" in line:
                return json.loads(line.removeprefix("data: "))["success"]
    raise AssertionError("the event did not end")


def events(page):
    """The events of the page that have inputs."""
    config = page.get("/config").json()
    return [event for event in config["dependencies"] if event["inputs"] and event["backend_fn"]]


def file_named(place):
    return {"path": place, "url": place, "meta": {"_type": "gradio.FileData"}}


def test_no_input_fetches_an_address(page, monkeypatch):
    asked = []
    resolve = socket.getaddrinfo

    def watch(host, *arguments, **named):
        if "fetched" in str(host):
            asked.append(host)
            raise OSError
        return resolve(host, *arguments, **named)

    async def validate(host):
        asked.append(host)
        raise ValueError

    monkeypatch.setattr(socket, "getaddrinfo", watch)
    monkeypatch.setattr(safehttpx, "async_validate_url", validate)
    with listening() as (address, requests):
        for event in events(page):
            for place in (OUTSIDE, address):
                for value in (file_named(place), [{"x": file_named(place)}], place):
                    data = [value] * len(event["inputs"])
                    complete(page, {"data": data, "fn_index": event["id"]})
    assert asked == []
    assert requests == []


def test_no_input_reads_a_file_of_this_machine(page, tmp_path):
    secret = tmp_path / "own.csv"
    secret.write_bytes(b"text,rating\nsecret,1\n")
    for event in events(page):
        data = [file_named(str(secret)) | {"url": None}] * len(event["inputs"])
        complete(page, {"data": data, "fn_index": event["id"]})
    files = [path for path in Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*") if path.is_file()]
    assert [path for path in files if path.read_bytes() == secret.read_bytes()] == []
    assert page.get(f"/gradio_api/file={secret}").status_code == 403


def test_uploads_are_stored_for_this_account_only(page):
    answer = page.post("/gradio_api/upload", files={"files": ("x.csv", b"a")})
    (place,) = map(Path, answer.json())
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    assert place.is_relative_to(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_login_is_asked_for_and_works_for_visitors_and_programs():
    with (
        served(settings(page_login=True), host="127.0.0.1", port=None) as link,
        httpx.Client(base_url=link.partition("?")[0], trust_env=False) as visitor,
    ):
        for path in ROUTES:
            assert problem_of(visitor.get(path)) == (401, "login_required")
        token = link.partition("token=")[2]
        assert len(token) > 40
        answer = visitor.get(link)
        assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
        assert visitor.get("/config").status_code == 200
        headers = {"authorization": f"Bearer {token}"}
        program = Client(link.partition("?")[0], headers=headers, verbose=False)
        assert program.predict(api_name="/state")["state"] == "failed"


def test_a_token_that_was_set_is_not_printed():
    with served(settings(page_token=TOKEN), host="127.0.0.1", port=None) as link:
        assert "token" not in link
        assert httpx.get(link, headers={"x-api-key": TOKEN}).status_code == 200
        assert httpx.get(link).status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "page.example"])
def test_other_machines_need_a_login_or_an_explicit_setting(host):
    with pytest.raises(OpenPageError, match=r"--login.*REVIEWLENS_PAGE_PUBLIC=true"):
        login_of(settings(), host)
    assert login_of(settings(page_login=True), host)
    assert login_of(settings(page_token=TOKEN), host)
    assert login_of(settings(page_public=True), host) is None


def test_a_public_page_answers_for_its_hosts_and_its_frames():
    options = {"page_public": True, "allowed_hosts": "*.hf.space"}
    framed = settings(**options, page_framed_by="https://huggingface.co")
    with served(framed, host="0.0.0.0", port=None) as link:
        space = {"host": "user-page.hf.space", "origin": "https://user-page.hf.space"}
        answer = httpx.get(link, headers=space)
        assert answer.status_code == 200
        assert "frame-ancestors https://huggingface.co" in answer.headers["content-security-policy"]
        assert "x-frame-options" not in answer.headers
        assert httpx.get(link, headers={"host": "hf.space.evil.example"}).status_code == 421
