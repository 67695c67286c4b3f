"""A login with one token, which the terminal prints as part of a link.

The browser exchanges the token for a cookie. Programs send it as ``Authorization: Bearer`` or as
``x-api-key``, like a key of the API on AWS.
"""

import hmac
import secrets
from html import escape
from urllib.parse import parse_qs, quote

from shared.http.door import Incoming

MIN_TOKEN_CHARACTERS = 16
_FIELD = "token"
_BEARER = "bearer "
_STYLE = "body{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}"


def new_token() -> str:
    """A random token of 256 bits."""
    return secrets.token_urlsafe(32)


class Login:
    """Checks requests against one token, in constant time."""

    def __init__(self, token: str) -> None:
        """Set up the login.

        Raises:
            ValueError: the token is too short.
        """
        if len(token) < MIN_TOKEN_CHARACTERS:
            raise ValueError(f"the token must have at least {MIN_TOKEN_CHARACTERS} characters")
        self._token = token.encode()
        # the cookie does not contain the token, and a new token ends all logins
        self._ticket = hmac.digest(self._token, b"reviewlens cookie", "sha256").hex().encode()

    def link(self, address: str) -> str:
        """The address with the token, for the terminal."""
        return f"{address.rstrip('/')}/?{_FIELD}={quote(self._token)}"

    def accept(self, request: Incoming) -> bool:
        """Whether the request has the cookie, or the token in a header."""
        tokens = [
            *request.values("x-api-key"),
            *(
                value[len(_BEARER) :].strip()
                for value in request.values("authorization")
                if value.lower().startswith(_BEARER)
            ),
        ]
        has_token = any(_equal(token, self._token) for token in tokens)
        return has_token or any(_equal(value, self._ticket) for value in _cookies(request))

    def accept_link(self, request: Incoming, query: str) -> bool:
        """Whether the request is the link of the terminal, or its form."""
        try:
            tokens = parse_qs(query, max_num_fields=20).get(_FIELD, [])
        except ValueError:
            return False
        return request.method == "GET" and any(_equal(token, self._token) for token in tokens)

    def cookie(self, port: int, *, secure: bool) -> str:
        """The value of Set-Cookie."""
        attributes = "Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")
        return f"{_cookie_name(port)}={self._ticket.decode()}; {attributes}"


def welcome_page(path: str) -> str:
    """The page that leads a visitor with a new cookie on.

    A redirect would not do: after a link of another site, a browser would not send the cookie.
    """
    target = escape(quote(f"/{path.lstrip('/')}"), quote=True)
    return _page(
        f'<meta http-equiv="refresh" content="0; url={target}">',
        f'<p>You are logged in. <a href="{target}">Continue</a></p>',
    )


def login_style() -> str:
    """The style of these pages, for their content security policy."""
    return _STYLE


def login_page() -> str:
    """The page for visitors without a login."""
    return _page(
        "",
        "<h1>Log in</h1><p>Open the link that the terminal printed, or enter its token.</p>"
        f'<form method="get"><label>Token <input name="{_FIELD}" type="password"'
        ' autocomplete="off" required></label> <button>Log in</button></form>',
    )


def _page(head: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Reviewlens</title>'
        f"{head}<style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _cookie_name(port: int) -> str:
    # cookies of one host are shared by all its ports
    return f"reviewlens-{port}"


def _cookies(request: Incoming) -> list[str]:
    name = _cookie_name(request.port)
    # http.cookies stops at the first cookie of another program that it cannot read
    pairs = [part.partition("=") for text in request.values("cookie") for part in text.split(";")]
    return [value.strip() for key, _, value in pairs if key.strip() == name]


def _equal(text: str, expected: bytes) -> bool:
    return hmac.compare_digest(text.encode("utf-8", "replace"), expected)
