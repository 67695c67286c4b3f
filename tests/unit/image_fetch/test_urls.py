"""Addresses of pictures: what is refused before anything is asked, and where redirects lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.image_fetch.urls import parse, redirected
from shared.errors import PictureError

PORTS = frozenset({443, 80})


def refusal(url, **options):
    with pytest.raises(PictureError) as raised:
        parse(url, **{"ports": PORTS, **options})
    return raised.value.message


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "header"),
    [
        ("https://shop.example/a.png", "shop.example", 443, "/a.png", "shop.example"),
        ("HTTPS://Shop.Example", "shop.example", 443, "/", "shop.example"),
        ("https://shop.example.?w=1#top", "shop.example", 443, "/?w=1", "shop.example"),
        ("https://shop.example:80/", "shop.example", 80, "/", "shop.example:80"),
        ("https://[2606:4700::1]/%41", "2606:4700::1", 443, "/%41", "[2606:4700::1]"),
    ],
)
def test_an_address_is_parsed(url, host, port, path, header):
    target = parse(url, ports=PORTS)
    assert (target.host, target.port, target.path, target.host_header) == (host, port, path, header)


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.png", "//a/b", "https:a", "https:/a", "https://", "https:///a", "https://?a"),
        *("https://a b/", "https://a\\@b/", "https://a\t/", "https://a\n/", "https://ä.example/"),
        *(
            "https://[::1",
            "https://[fe80::1%25eth0]/",
            "https://a:b/",
            "https://a:/",
            "https://a:b@",
        ),
        *("https://a%2eb/", "https://a:0x50/", "https://a:999999/", f"https://{'a' * 254}/"),
        f"https://a/{'x' * 2048}",
    ],
)
def test_an_invalid_address_is_refused(url):
    assert refusal(url).startswith(("its address is not", "its address does", "its address must"))


@pytest.mark.parametrize("scheme", ["http", "file", "ftp", "gopher", "data", "jar", "unix"])
def test_another_scheme_is_refused(scheme):
    assert refusal(f"{scheme}://a/etc/passwd") == "its address must start with https"


@pytest.mark.parametrize("url", ["https://user@a/", "https://u:p@a/", "https://shop.example@a/"])
def test_a_user_name_is_refused(url):
    assert refusal(url) == "its address must not contain a user name"


@pytest.mark.parametrize("port", [0, 22, 25, 6379, 8443, 65535])
def test_another_port_is_refused(port):
    assert refusal(f"https://a:{port}/") == f"its address must not name port {port}"


def test_http_is_allowed_by_a_setting():
    assert parse("http://a/", ports=PORTS, http=True).port == 80
    assert refusal("ftp://a/", http=True) == "its address must start with http and https"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://a/b"),
        ("c?d", "https://a/x/c?d"),
        ("//b/c", "https://b/c"),
        ("https://b:1/c", "https://b:1/c"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("/\xc3\xa4 b", "https://a/%C3%A4%20b"),
    ],
)
def test_a_redirect_is_resolved(location, url):
    assert redirected(parse("https://a/x/y", ports=PORTS), location) == url


@given(st.text(st.characters(max_codepoint=255)))
def test_any_redirect_leads_to_an_allowed_address_or_is_refused(location):
    try:
        target = parse(redirected(parse("https://a/x", ports=PORTS), location), ports=PORTS)
    except PictureError:
        return
    assert (target.scheme, target.port in PORTS) == ("https", True)
    assert "\n" not in target.path + target.host
