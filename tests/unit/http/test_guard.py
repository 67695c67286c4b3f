"""The guard around an application: refusals, headers, login."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from shared.http.guard import Guard
from shared.http.login import Login, new_token

TOKEN = "a token of these tests"
LINK = "http://localhost:8006"
HTML = {"accept": "text/html,*/*"}


async def application(scope, receive, send):
    headers = {"Access-Control-Allow-Origin": "*", "Referrer-Policy": "origin"}
    await PlainTextResponse("content", headers=headers)(scope, receive, send)


def client(**options):
    return TestClient(Guard(application, **options), base_url=LINK)


@pytest.fixture
def guarded():
    return client(login=Login(TOKEN))


def test_an_answer_has_the_headers_and_no_permission_for_other_sites():
    answer = client().get("/")
    assert answer.text == "content"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "origin"  # the application's own
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "access-control-allow-origin" not in answer.headers


def test_a_refusal_is_a_problem_with_the_same_headers():
    answer = client().get("/", headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (421, "untrusted_host")
    assert "REVIEWLENS_ALLOWED_HOSTS" in answer.json()["detail"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_websocket_is_refused():
    with pytest.raises(WebSocketDisconnect) as caught, client().websocket_connect("/"):
        pass
    assert caught.value.code == 1008


def test_without_a_login_a_program_gets_a_problem_and_a_visitor_a_form(guarded):
    answer = guarded.post("/reviews")
    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")
    page = guarded.get("/", headers=HTML)
    assert page.status_code == 401
    assert 'type="password"' in page.text
    assert "content" not in page.text.replace("content=", "")


def test_the_link_of_the_terminal_logs_a_visitor_in(guarded):
    link = Login(TOKEN).link(LINK)
    answer = guarded.get(link)
    assert answer.status_code == 200
    assert 'url=/"' in answer.text.replace(" ", "")
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith("Path=/; HttpOnly; SameSite=Strict")
    assert TOKEN not in cookie
    assert TOKEN.replace(" ", "") not in answer.text.replace(" ", "")
    assert guarded.get("/").text == "content"
    assert guarded.get("/", headers={"host": "evil.example"}).status_code == 421


def test_the_cookie_is_for_one_port_and_one_token():
    cookie = client(login=Login(TOKEN)).get(Login(TOKEN).link(LINK)).headers["set-cookie"]
    headers = {"cookie": f'other="a; b=1; {cookie.partition(";")[0]}; c='}
    assert client(login=Login(TOKEN)).get("/", headers=headers).status_code == 200
    assert client(login=Login(new_token())).get("/", headers=headers).status_code == 401
    other = TestClient(Guard(application, login=Login(TOKEN)), base_url="http://localhost:8007")
    assert other.get("/", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"x-api-key": TOKEN}, {"authorization": f"Bearer {TOKEN}"}],
    ids=["key", "bearer"],
)
def test_a_program_sends_the_token_in_a_header(guarded, headers):
    assert guarded.post("/", headers=headers).text == "content"
    assert "set-cookie" not in guarded.post("/", headers=headers).headers


@pytest.mark.parametrize(
    "headers",
    [
        *({"x-api-key": ""}, {"x-api-key": TOKEN[:-1]}, {"x-api-key": f"{TOKEN}x"}),
        *({"authorization": f"Basic {TOKEN}"}, {"authorization": TOKEN}, {"cookie": TOKEN}),
        *({"cookie": f"reviewlens-8006={TOKEN}"}, {"cookie": "reviewlens-8006="}),
        {"x-api-key": "ü".encode("latin-1")},
    ],
    ids=str,
)
def test_anything_else_is_no_login(guarded, headers):
    assert guarded.post("/", headers=headers).status_code == 401


def test_a_token_in_the_address_only_serves_to_log_in(guarded):
    assert guarded.post("/", params={"token": TOKEN}).status_code == 401
    assert guarded.get("/", params={"token": "wrong"}).status_code == 401
    assert guarded.get("/?" + "token=x&" * 50).status_code == 401


@pytest.mark.parametrize("path", ["//evil.example", "/%5Cevil.example", "/\"'<x>", "/%22%3E"])
def test_the_link_leads_to_this_server_only(path):
    scope_page = client(login=Login(TOKEN)).get(f"{path}", params={"token": TOKEN})
    target = scope_page.text.partition("url=")[2].partition('"')[0]
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))
    assert "<x>" not in scope_page.text


def test_a_short_token_is_refused():
    with pytest.raises(ValueError, match="at least 16 characters"):
        Login("short")
