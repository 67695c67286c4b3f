"""A server with fixed answers for the insights routes and pictures, in front of a real API.

Other requests are passed on to the real API. ``closed`` routes answer 403, as for a key that does
not permit them; ``hostile`` puts markup and endless words into the answers.
"""

import json
import threading
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx

from shared.pictures.decode import decode
from shared.pictures.preview import preview_of
from tests.pictures import drawn, saved

SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked=1'>"
HOSTILE = f"{SCRIPT} **bold** [link](javascript:window.hacked=1) `{{{{x}}}}` ${{7*7}} {'w' * 3000}"
CLOSED = frozenset({"/trends", "/movers", "/segments", "/aspects", "/duplicates"})
MAX_FACT_CHARACTERS = 512
DAY = date(2026, 3, 16)
FRESH = {"as_of": "2026-11-29T08:00:00Z", "pending_reviews": 3, "not_analysed": 0}
PRODUCT = "RL-AUD-01"
PROOF = f"/reviews?product_id={PRODUCT}&sentiment=negative&from={DAY}"
CHANGE = {
    "day": DAY.isoformat(),
    "first_seen": DAY.isoformat(),
    "direction": "worse",
    "negative_before": 0.05,
    "negative_after": 0.62,
    "reviews_before": 70,
    "reviews_after": 40,
    "p_value": 0.0001,
    "reviews_link": PROOF,
}


def _split(negative):
    return {"negative": negative, "neutral": 0.05, "positive": round(0.95 - negative, 4)}


def _figures(reviews, negative, link):
    return {
        "reviews": reviews,
        "analysed": reviews,
        "not_understood": 0,
        "not_analysed": 0,
        "rated": reviews,
        "mean_rating": 5 - 4 * negative,
        "sentiment_shares": _split(negative),
        "net_sentiment": 100 * (0.95 - 2 * negative),
        "reviews_link": link,
    }


def _trends(_query, _text):
    first = DAY - timedelta(weeks=16)
    points = []
    for week in range(32):
        start = first + timedelta(weeks=week)
        negative = 0.05 if start < DAY else 0.62
        figures = _figures(4 + week % 3, negative, PROOF)
        if week == 5:
            figures |= {"reviews": 0, "analysed": 0, "mean_rating": None, "net_sentiment": None}
            figures["sentiment_shares"] = None
        end = start + timedelta(days=6)
        points.append({"start": start.isoformat(), "end": end.isoformat(), **figures})
    totals = {**_figures(110, 0.25, PROOF), "undated": 0}
    return {
        "interval": "week",
        "time_zone": "UTC",
        "from": points[0]["start"],
        "to": points[-1]["end"],
        "points": points,
        "totals": totals,
        "change_status": "changed",
        "change": CHANGE,
        "freshness": FRESH,
    }


def _movers(_query, text):
    one = {"product_id": PRODUCT, "title": text("Wren Folding Headphones"), "category": "Audio"}
    movers = [{**one, "change": CHANGE, "q_value": 0.001}]
    return {"movers": movers, "products_tested": 4, "freshness": FRESH}


def _segments(query, text):
    by = query["by"][0]
    one = {"name": text({"category": "Audio", "source": "shop"}[by]), "products": 1}
    return {"by": by, "segments": [one | _figures(110, 0.25, PROOF)], "freshness": FRESH}


def _aspects(_query, text):
    quote = {
        "text": text("The hinge cracked clean through after three weeks."),
        "review_id": "h:1",
        "sentiment": "negative",
        "rating": 1.0,
        "reviewed_at": "2026-04-01T00:00:00Z",
    }
    one = {
        "aspect": text("hinge"),
        "mentions": 31,
        "reviews": 29,
        "sentiment_shares": _split(0.9),
        "negative_share": 0.9,
        "net_sentiment": -85.0,
        "quotes": [quote],
        "reviews_link": PROOF,
    }
    return {"aspects": [one], "reviews_read": 110, "freshness": FRESH}


def _duplicates(_query, text):
    group = {
        "kind": "exact",
        "text": text("Great product, five stars."),
        "reviews": 4,
        "products": 2,
        "reviewers": 4,
        "first_day": "2026-01-01",
        "last_day": "2026-02-01",
        "review_ids": ["h:2"],
    }
    return {"groups": [group], "next_cursor": None}


_ANSWERS = {
    "/trends": _trends,
    "/movers": _movers,
    "/segments": _segments,
    "/aspects": _aspects,
    "/duplicates": _duplicates,
}


def _review_pictures(body):
    """A picture of every second review."""
    shown = preview_of(decode(saved(drawn(320, 200), "JPEG"))).model_dump()
    ids = json.loads(body)["review_ids"]
    return {"pictures": dict.fromkeys(ids[::2], shown), "index_version": "i", "warnings": []}


def _with_pictures(content):
    """Stored reviews that name a picture each."""
    page = json.loads(content)
    return json.dumps(
        page | {"reviews": [each | {"pictures": 1} for each in page["reviews"]]}
    ).encode()


class Contract:
    """The server's answers; ``requests`` keeps method and path of each request."""

    def __init__(self, upstream, *, closed=frozenset(), hostile=False):
        self.requests = []
        self._upstream = upstream
        self._closed = closed
        self._hostile = hostile

    def answer(self, method, target, body):
        """Status, media type and body of one answer."""
        parts = urlsplit(target)
        self.requests.append(f"{method} {target}")
        if parts.path in self._closed:
            problem = {"title": "Forbidden", "status": 403, "code": "forbidden", "detail": "no"}
            return 403, "application/problem+json", json.dumps(problem).encode()
        if parts.path in _ANSWERS:
            content = _ANSWERS[parts.path](parse_qs(parts.query), self._text)
            return 200, "application/json", json.dumps(content).encode()
        if parts.path == "/review_pictures":
            return 200, "application/json", json.dumps(_review_pictures(body)).encode()
        headers = {"content-type": "application/json"} if body else {}
        with httpx.Client(base_url=self._upstream, trust_env=False, timeout=180) as client:
            answer = client.request(method, target, content=body, headers=headers)
        content = self._with_markup(answer)
        if parts.path == "/reviews" and answer.status_code == 200:
            content = _with_pictures(content)
        return answer.status_code, answer.headers["content-type"], content

    def _text(self, plain):
        return HOSTILE if self._hostile else plain

    def _with_markup(self, answer):
        if not self._hostile or answer.status_code != 200:
            return answer.content
        return json.dumps(self._walk(answer.json())).encode()

    def _walk(self, value):
        # the API bounds the facts of a product
        hostile = dict.fromkeys(("text", "title", "review_text", "summary"), HOSTILE)
        hostile |= dict.fromkeys(("category", "brand"), HOSTILE[:MAX_FACT_CHARACTERS])
        if isinstance(value, dict):
            return {
                name: hostile[name] if name in hostile and part else self._walk(part)
                for name, part in value.items()
            }
        return [self._walk(part) for part in value] if isinstance(value, list) else value


@contextmanager
def serving(contract):
    """Serve on a free loopback port; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, kind, answer = contract.answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _respond  # noqa: N815 - names of the base class

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
