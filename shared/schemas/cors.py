"""Which pages of other sites may read answers of the API, and of which routes.

The gateway on AWS and the one on a machine follow the same rules. Only reads are allowed: routes
that start work or delete something are not for pages. Cookies and other credentials of the browser
are never accepted.
"""

import re

READING_POSTS = frozenset(
    {
        *("/analyze", "/analyze/batch", "/comprehend", "/review_pictures", "/search_similar"),
        "/v1/embeddings",
    }
)
"""POST routes that change nothing: they have texts or ids in their body."""
ALLOWED_HEADERS = ("content-type", "x-api-key")
"""Headers of requests that a page may set."""
CORRELATION_HEADER = "x-correlation-id"
"""Header of each answer with the id that the logs have."""
EXPOSED_HEADERS = ("retry-after", "link", CORRELATION_HEADER)
"""Headers of answers that a page may read, besides those that every page may."""
MAX_AGE_SECONDS = 600
"""How long a browser may keep the answer to a preflight."""
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(
    rf"https://{_LABEL}(?:\.{_LABEL})*(?!:443$)(?::[1-9][0-9]{{0,4}})?"
    rf"|http://(?:localhost|127\.0\.0\.1|\[::1\])(?!:80$)(?::[1-9][0-9]{{0,4}})?"
)


def parse_origins(text: str) -> tuple[str, ...]:
    """Parse origins that are separated by commas.

    Raises:
        ValueError: a part is not an origin of its own; names the part.
    """
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in origins:
        if "*" in origin:
            raise ValueError(
                f"cors_origins: {origin!r} would let pages of sites that you do not know read the"
                " answers: list each origin, such as https://shop.example.org"
            )
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"cors_origins: {origin!r} must be written as browsers send it, such as"
                " https://shop.example.org or http://localhost:3000: in lower case, without a path,"
                " without the port that is the default; http is for this machine only"
            )
    return origins


def is_read(method: str, path: str) -> bool:
    """Whether a request only reads, so that pages of allowed origins may send it."""
    return method in ("GET", "HEAD") or (method == "POST" and path in READING_POSTS)


def check_origins(text: str) -> str:
    """Return the text if it is a list of origins; see parse_origins."""
    parse_origins(text)
    return text
