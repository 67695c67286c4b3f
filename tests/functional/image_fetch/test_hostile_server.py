"""What a hostile server can do to the function that fetches pictures: nothing."""

import gzip
import itertools

import pytest

from lambdas.image_fetch.fetch import Fetcher
from lambdas.image_fetch.service import read
from shared.errors import PictureError
from shared.schemas.picture import PictureRequest
from tests.hostile import Authority, redirect, response, serving
from tests.pictures import drawn, png, saved

PNG = saved(drawn(), "PNG")
OK = b"HTTP/1.1 200 OK\r\n"
METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority):
    with serving({}, authority.server_context("localhost", "127.0.0.1")) as running:
        yield running


@pytest.fixture
def fetch(server, authority):
    """``fetch(answer)``: asks the server, which gives this answer; ``url``: another address."""

    def ask(answer=None, url=None, ports=(), **options):
        server.requests.clear()
        if answer is not None:
            server.answers["/a"] = answer
        settings = {"seconds": 60.0, "loopback": True, **options}
        fetcher = Fetcher(authority.client_context(), frozenset({server.port, *ports}), **settings)
        return fetcher.fetch(url or f"https://localhost:{server.port}/a")

    return ask


@pytest.fixture
def refused(fetch):
    def ask(*arguments, **options):
        with pytest.raises(PictureError) as raised:
            fetch(*arguments, **options)
        return raised.value.code, raised.value.message

    return ask


def test_a_picture_is_fetched(fetch, server):
    assert fetch(response(PNG, "Content-Type: text/html")) == PNG
    (request,) = server.requests
    assert f"Host: localhost:{server.port}\r\n" in request
    assert "Accept-Encoding: identity\r\n" in request


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost."])
def test_a_certificate_may_be_for_an_address_and_a_name_with_a_dot(fetch, server, host):
    assert fetch(response(PNG), url=f"https://{host}:{server.port}/a") == PNG


def test_a_picture_in_chunks_and_one_without_a_length_are_fetched(fetch):
    chunks = b"5\r\n" + PNG[:5] + b"\r\n%x\r\n" % len(PNG[5:]) + PNG[5:] + b"\r\n0\r\n\r\n"
    assert fetch(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks) == PNG
    assert fetch(OK + b"\r\n" + PNG) == PNG


def test_three_redirects_are_followed_and_no_more(fetch, refused, server):
    server.answers |= {"/1": redirect("/2"), "/2": redirect("./3"), "/3": response(PNG)}
    assert fetch(redirect("/1", status="308 Permanent Redirect")) == PNG
    assert len(server.requests) == 4
    server.answers["/3"] = redirect("/1")
    assert refused(redirect("/1"))[0] == "address_refused"
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("location", "code"),
    [
        (METADATA, "address_refused"),
        ("https://169.254.169.254/", "address_refused"),
        ("https://[::ffff:169.254.169.254]/", "address_refused"),
        ("https://[::]/", "address_refused"),
        ("https://10.0.0.1/", "address_refused"),
        ("https://0/", "address_refused"),
        ("https://2852039166/", "address_refused"),
        ("https://0xa9fea9fe/", "address_refused"),
        ("file:///etc/passwd", "address_refused"),
        ("gopher://localhost:6379/_FLUSHALL", "address_refused"),
        ("https://user@localhost/", "address_refused"),
        ("https://localhost:22/", "address_refused"),
        ("data:image/png;base64,AAAA", "address_invalid"),
        ("https://localhost\\@169.254.169.254/", "address_invalid"),
    ],
    ids=range(14),
)
def test_a_redirect_to_another_place_is_refused(refused, server, location, code):
    assert refused(redirect(location), http=True, ports=(443, 80))[0] == code
    assert len(server.requests) == 1


def test_another_port_of_this_machine_gets_no_request(refused, server):
    with serving({"/a": response(PNG)}) as other:
        answer = redirect(f"http://localhost:{other.port}/a")
        assert refused(answer, http=True)[0] == "address_refused"
    assert other.requests == []


def test_a_name_that_changes_its_address_is_checked_each_time(fetch, refused, server):
    answers = iter([["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]])
    assert fetch(response(PNG), resolve=lambda *_: next(answers)) == PNG
    # the connection went to the address that was checked; the second answer was not needed
    answers = iter([["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]])
    code, _ = refused(redirect("/a"), resolve=lambda *_: next(answers))
    assert (code, len(server.requests)) == ("address_refused", 1)


def test_one_forbidden_address_among_others_is_enough(refused, server):
    both = ["127.0.0.1", "192.168.0.1"]
    assert refused(response(PNG), resolve=lambda *_: both)[0] == "address_refused"
    assert server.requests == []


def test_the_second_address_is_used_where_the_first_does_not_answer(fetch):
    # nothing listens at 127.9.9.9
    assert fetch(response(PNG), resolve=lambda *_: ["127.9.9.9", "127.0.0.1"]) == PNG


@pytest.mark.parametrize("answer", [[], None])
def test_a_name_without_an_address_is_refused(refused, answer):
    def resolve(_host, _port):
        if answer is None:
            raise OSError
        return answer

    assert refused(resolve=resolve) == ("fetch_failed", "its host cannot be found")


def test_loopback_is_refused_without_the_setting(refused, server):
    assert refused(response(PNG), loopback=False) == (
        "address_refused",
        "its host is not on the public internet",
    )
    assert server.requests == []


def drip(head):
    def pieces(server):
        yield head
        while True:
            server.wait()
            yield b"x"

    return pieces


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 ", OK + b"X-A: ", OK + b"Content-Length: 9999\r\n\r\n", OK + b"\r\n"],
    ids=range(5),
)
def test_a_slow_drip_ends_at_the_deadline(refused, head):
    code, message = refused(drip(head), seconds=1.5)
    assert (code, message) == ("fetch_timeout", "fetching it took longer than 1.5 s")


def test_redirects_share_one_deadline(refused):
    def slowly(server):
        server.wait(0.6)
        yield redirect("/a")

    assert refused(slowly, seconds=1.5)[0] == "fetch_timeout"


def test_a_resolver_that_hangs_ends_at_the_deadline(refused, server):
    assert refused(resolve=lambda *_: server.wait(20), seconds=0.5)[0] == "fetch_timeout"


def test_a_handshake_that_hangs_ends_at_the_deadline(refused):
    with serving({}) as plain:  # waits for a request, which TLS never sends
        url = f"https://localhost:{plain.port}/a"
        assert refused(url=url, ports=(plain.port,), seconds=0.5)[0] == "fetch_timeout"


def endless(head, piece):
    def pieces(_server):
        yield head
        yield from itertools.repeat(piece)

    return pieces


@pytest.mark.parametrize(
    "answer",
    [
        endless(OK + b"\r\n", bytes(65_536)),
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 9000),
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n%s\r\n" % bytes(65_536)),
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 9000),
        endless(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        endless(OK, b"x" * 65_536),
        OK + b"X-A: " + b"x" * 60_000 + b"\r\nX-B: " + b"x" * 60_000 + b"\r\n\r\n" + PNG,
        OK + b"Content-Length: 8000001\r\n\r\n",
        OK + b"Content-Length: 99999999999999999999999999\r\n\r\n",
    ],
    ids=range(9),
)
def test_too_many_bytes_are_refused(refused, answer):
    # the deadline ends what is slow to read: a million pieces of one byte
    assert refused(answer)[0] in ("picture_too_large", "fetch_failed", "fetch_timeout")


@pytest.mark.parametrize(
    "answer",
    [
        PNG,
        b"<html>HTTP/0.9 has no head</html>",
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n" + PNG,
        OK + b"X: y\r\n" * 101 + b"\r\n" + PNG,
        OK + b"Content-Length: %d\r\n\r\n" % (len(PNG) + 1) + PNG,
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + PNG,
        OK + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n" + PNG,
        response(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip"),
        response(gzip.compress(PNG), "Content-Encoding: br"),
        response(PNG, "Transfer-Encoding: gzip"),
        response(PNG, status="404 Not Found"),
        response(PNG, status="206 Partial Content"),
        response(PNG, status="304 Not Modified"),
        response(b"", status="999 Odd"),
    ],
    ids=range(17),
)
def test_an_answer_that_is_not_a_complete_one_is_refused(refused, answer):
    assert refused(answer)[0] == "fetch_failed"


@pytest.mark.parametrize("names", [["other.example"], ["*.localhost"], ["127.0.0.2"]])
def test_a_certificate_of_another_host_is_refused(refused, authority, names):
    with serving({"/a": response(PNG)}, authority.server_context(*names)) as other:
        code, message = refused(url=f"https://localhost:{other.port}/a", ports=(other.port,))
    assert (code, "certificate" in message) == ("fetch_failed", True)
    assert other.requests == []


def test_an_expired_certificate_and_one_of_another_authority_are_refused(
    refused, authority, tmp_path
):
    for context in (
        authority.server_context("localhost", days=-1),
        Authority(tmp_path).server_context("localhost"),
    ):
        with serving({"/a": response(PNG)}, context) as other:
            assert (
                "certificate"
                in refused(url=f"https://localhost:{other.port}/a", ports=(other.port,))[1]
            )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture_type"),
        (b"<html>", "picture_type"),
        (PNG[:-30], "picture_damaged"),
        (png(30_000, 30_000, b""), "picture_too_large"),
    ],
)
def test_what_was_fetched_is_checked_by_its_content(authority, server, body, code):
    server.answers["/a"] = response(body, "Content-Type: image/png")
    fetcher = Fetcher(authority.client_context(), frozenset({server.port}), 60.0, loopback=True)
    reply = read(PictureRequest(url=f"https://localhost:{server.port}/a"), fetcher)
    assert (reply.picture, reply.problem.code) == (None, code)


def test_a_redirect_does_not_leave_the_list_of_hosts(server, authority):
    server.answers["/a"] = redirect(f"https://127.0.0.1:{server.port}/b")
    server.answers["/b"] = response(PNG)
    fetcher = Fetcher(authority.client_context(), frozenset({server.port}), 60.0, loopback=True)
    url = f"https://localhost:{server.port}/a"
    assert fetcher.fetch(url, "localhost, 127.0.0.1") == PNG
    server.requests.clear()
    with pytest.raises(PictureError) as raised:
        fetcher.fetch(url, "localhost")
    assert raised.value.code == "address_refused"
    assert len(server.requests) == 1
    with pytest.raises(PictureError):
        fetcher.fetch(url, "*.localhost")
    assert len(server.requests) == 1
