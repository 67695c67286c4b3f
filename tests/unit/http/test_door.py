"""Which requests a server on this machine answers."""

import pytest

from shared.http.door import Door, Incoming
from shared.http.hosts import AllowedHosts, is_loopback

PORT = 8080
OWN = ("host", f"localhost:{PORT}")


def code_of(*headers, method="GET", path="/", port=PORT, door=None):
    refusal = (door or Door()).refusal(Incoming(method, path, headers, port))
    return refusal and (refusal.status, refusal.code)


@pytest.mark.parametrize(
    "host",
    ["localhost:8080", "LocalHost:8080", "127.0.0.1:8080", "[::1]:8080", "[0:0::0:1]:8080"],
)
def test_this_machine_is_answered_with_the_port_that_is_served(host):
    assert code_of(("host", host)) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:80"])
def test_the_default_port_need_not_be_written(host):
    assert code_of(("host", host), port=80) is None
    assert code_of(("host", host)) == (421, "untrusted_host")


@pytest.mark.parametrize(
    "host",
    [
        *("", " ", "evil.example", "evil.example:8080", "evil.example:127.0.0.1"),
        *("localhost.evil.example:8080", "127.0.0.1.evil.example:8080", "testserver:8080"),
        *("localhost:8081", "localhost:", "localhost:080800", "localhost:99999", "localhost:x"),
        *("localhost.:8080", "localhost..:8080", ".localhost:8080", " localhost:8080"),
        *("localhost@evil.example:8080", "evil.example@localhost:8080", "u:p@localhost:8080"),
        *("http://localhost:8080", "localhost:8080/x", "localhost:8080,evil.example", "\0"),
        *("192.168.0.1:8080", "0.0.0.0:8080", "127.1:8080", "2130706433:8080"),
        *("[", "[::1", "::1", "[::1]8080", "[evil.example]:8080", "[::1%lo]:8080", "[::2]:8080"),
        *("[::ffff:127.0.0.1]:8080", "localhost\t:8080", "löcalhost:8080", "x" * 400),
    ],
)
def test_another_host_is_refused(host):
    assert code_of(("host", host)) == (421, "untrusted_host")


def test_a_request_without_a_host_or_with_two_is_refused():
    assert code_of() == (421, "untrusted_host")
    assert code_of(OWN, OWN) == (421, "untrusted_host")
    assert code_of(OWN, ("host", "evil.example")) == (421, "untrusted_host")


@pytest.mark.parametrize(
    ("setting", "host", "is_allowed"),
    [
        ("api.example", "api.example", True),
        ("api.example", "API.example:9000", True),
        ("api.example", "x.api.example", False),
        ("one.example, API.example:9000", "api.example:9000", True),
        ("api.example:9000", "api.example", False),
        ("*.hf.space", "user-name.hf.space", True),
        ("*.hf.space", "hf.space", False),
        ("*.hf.space", "hf.space.evil.example", False),
        ("*.hf.space", "evilhf.space", False),
        ("localhost:9000", "localhost:9000", True),
        ("", "api.example", False),
    ],
)
def test_a_setting_allows_further_hosts(setting, host, is_allowed):
    door = Door(AllowedHosts.parse(setting))
    assert (code_of(("host", host), door=door) is None) is is_allowed
    assert code_of(OWN, door=door) is None


@pytest.mark.parametrize("setting", ["*", "a b", "http://x.example", "x.example/", "*.*.x", "a,.b"])
def test_a_setting_that_is_not_a_host_is_named(setting):
    with pytest.raises(ValueError, match="must be a host"):
        AllowedHosts.parse(setting)


def test_a_server_on_all_addresses_can_allow_addresses_but_no_names():
    door = Door(AllowedHosts(addresses=True))
    assert code_of(("host", "192.168.0.7:8080"), door=door) is None
    assert code_of(("host", "[fd00::7]:8080"), door=door) is None
    assert code_of(("host", "192.168.0.7:8081"), door=door) == (421, "untrusted_host")
    assert code_of(("host", "evil.example:8080"), door=door) == (421, "untrusted_host")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "http://localhost.evil.example:8080", "null", "", "file://"),
        *("http://localhost:3000", "http://localhost", "http://127.0.0.1:8080", "localhost:8080"),
        *("ftp://localhost:8080", "http://u@localhost:8080", "http://[", "http://localhost:8080/"),
        *("chrome-extension://localhost:8080", "http://localhost:8080 http://evil.example"),
    ],
)
def test_another_origin_is_refused_for_every_method(method, origin):
    assert code_of(OWN, ("origin", origin), method=method) == (403, "foreign_origin")


def test_the_own_origin_is_answered():
    for method in ("GET", "POST", "OPTIONS"):
        assert code_of(OWN, ("origin", "http://localhost:8080"), method=method) is None
        assert code_of(OWN, ("origin", "HTTP://LOCALHOST:8080"), method=method) is None
    own, foreign = ("origin", "http://localhost:8080"), ("origin", "http://evil.example")
    assert code_of(OWN, own, foreign) == (403, "foreign_origin")


def test_a_proxy_with_tls_in_front_has_the_origin_of_its_host():
    door = Door(AllowedHosts.parse("*.hf.space"))
    host = ("host", "user-page.hf.space")
    assert code_of(host, ("origin", "https://user-page.hf.space"), door=door) is None
    other = ("origin", "https://user-other.hf.space")
    assert code_of(host, other, door=door) == (403, "foreign_origin")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_link_and_nothing_else(site):
    def fetch(mode, target, method="GET", path="/", door=None):
        headers = ("sec-fetch-mode", mode), ("sec-fetch-dest", target)
        return code_of(OWN, ("sec-fetch-site", site), *headers, method=method, path=path, door=door)

    assert fetch("navigate", "document") is None
    for mode, target in (("no-cors", "image"), ("cors", "empty"), ("no-cors", "script")):
        assert fetch(mode, target) == (403, "foreign_origin")
    assert fetch("navigate", "document", method="POST") == (403, "foreign_origin")
    assert fetch("navigate", "iframe") == (403, "foreign_origin")
    assert fetch("navigate", "iframe", door=Door(frames=True)) is None
    closed = Door(unlinked=("/gradio_api",))
    assert fetch("navigate", "document", door=closed) is None
    path = "/gradio_api/queue/data"
    assert fetch("navigate", "document", path=path, door=closed) == (403, "foreign_origin")


def test_visitors_and_own_pages_are_answered():
    for site in ("none", "same-origin"):
        assert code_of(OWN, ("sec-fetch-site", site), ("sec-fetch-mode", "cors")) is None


def test_loopback_addresses_are_recognised():
    assert all(map(is_loopback, ("127.0.0.1", "127.0.0.9", "::1", "[::1]", "localhost")))
    others = ("0.0.0.0", "::", "", "192.168.0.7", "evil.example")
    assert not any(map(is_loopback, others))
