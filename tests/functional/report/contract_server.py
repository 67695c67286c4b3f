"""The insights API over reviews in memory, to test reports with.

Counts, shares, intervals and filters are computed from the reviews; a test sets aspects, changes
and copies.
"""

import json
import threading
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

LABELS = ("negative", "neutral", "positive")
PAGE = 200


class RefusedError(Exception):
    def __init__(self, status, detail):
        super().__init__(detail)
        self.status = status


class Shop:
    """Products with their reviews, and the answers that a test sets."""

    def __init__(self):
        self.products = {}
        self.reviews = []
        self.aspects = []
        self.groups = []
        self.changes = {}
        self.pending = 0
        self.routes = {"trends", "movers", "products", "segments", "reviews", "aspects"}
        self.routes |= {"duplicates"}
        self.forbidden = set()
        self.requests = []

    def add_product(self, product_id, title=None, category=None):
        self.products[product_id] = {"title": title, "category": category}

    def add(self, product_id, text, **values):
        """A review; ``day`` is a date or None."""
        day = values.pop("day", date(2026, 1, 5))
        self.products.setdefault(product_id, {"title": None, "category": None})
        moment = day and datetime(day.year, day.month, day.day, 12, tzinfo=UTC).isoformat()
        self.reviews.append(
            {
                "review_id": f"r{len(self.reviews):05d}",
                "product_id": product_id,
                "source": "shop",
                "rating": None,
                "title": None,
                "text": text,
                "reviewed_at": moment,
                "verified": None,
                "helpful_votes": None,
                "sentiment": None,
                "confidence": 0.9,
                "model_version": "m1",
                "mismatch": None,
                **values,
            }
        )

    # answers

    def answer(self, path, query):
        self.requests.append((path, query))
        name, _, rest = path.strip("/").partition("/")
        if name in self.forbidden:
            raise RefusedError(403, "the key does not permit this")
        if name not in self.routes or (rest and name != "products"):
            raise RefusedError(404, f"No route for GET {path}")
        if name == "products" and rest:
            return self.product(unquote(rest)) | {"freshness": self.freshness()}
        return getattr(self, f"get_{name}")(query)

    def freshness(self):
        return {"as_of": "2026-06-30T10:30:00Z", "pending_reviews": self.pending, "not_analysed": 0}

    def matching(self, query):
        return [review for review in self.reviews if self.passes(review, query)]

    def passes(self, review, query):
        day = review["reviewed_at"] and review["reviewed_at"][:10]
        category = self.products[review["product_id"]]["category"]
        return all(
            (
                query.get("product_id") in (None, review["product_id"]),
                query.get("category") in (None, category),
                query.get("source") in (None, review["source"]),
                query.get("sentiment") in (None, review["sentiment"]),
                "mismatch" not in query or review["mismatch"],
                "from" not in query or (day and day >= query["from"]),
                "to" not in query or (day and day <= query["to"]),
            )
        )

    def counts(self, reviews):
        labels = [review["sentiment"] for review in reviews if review["sentiment"]]
        stars = [review["rating"] for review in reviews if review["rating"] is not None]
        shares = {name: labels.count(name) / len(labels) for name in LABELS} if labels else None
        return {
            "reviews": len(reviews),
            "analysed": len(labels),
            "not_understood": 0,
            "not_analysed": len(reviews) - len(labels),
            "rated": len(stars),
            "mean_rating": sum(stars) / len(stars) if stars else None,
            "sentiment_shares": shares,
            "net_sentiment": shares and 100 * (shares["positive"] - shares["negative"]),
            "reviews_link": "/reviews",
        }

    def get_trends(self, query):
        reviews = self.matching(query)
        dated = [review for review in reviews if review["reviewed_at"]]
        points = self.points(dated, query["interval"])
        return {
            "interval": query["interval"],
            "time_zone": "UTC",
            "from": points[0]["start"] if points else None,
            "to": points[-1]["end"] if points else None,
            "points": points,
            "totals": self.counts(reviews) | {"undated": len(reviews) - len(dated)},
            **self.change(query.get("product_id")),
            "freshness": self.freshness(),
        }

    def change(self, product_id):
        change = self.changes.get(product_id)
        return {"change_status": "changed" if change else "unchanged", "change": change}

    def points(self, dated, interval):
        by_start = defaultdict(list)
        for review in dated:
            by_start[start_of(date.fromisoformat(review["reviewed_at"][:10]), interval)].append(
                review
            )
        if not by_start:
            return []
        points, start = [], min(by_start)
        while start <= max(by_start):
            following = start_of(start + timedelta(days=32), "month")
            if interval != "month":
                following = start + timedelta(days=1 if interval == "day" else 7)
            end = following - timedelta(days=1)
            points.append(
                self.counts(by_start.get(start, []))
                | {"start": start.isoformat(), "end": end.isoformat()}
            )
            start = following
        return points

    def get_movers(self, query):
        movers = [
            {"product_id": one, **self.products[one], "change": change, "q_value": 0.0004}
            for one, change in self.changes.items()
            if one in self.products
            and change["direction"] == query["direction"]
            and query.get("category") in (None, self.products[one]["category"])
        ]
        movers = movers[: int(query["limit"])]
        return {"movers": movers, "products_tested": 2, "freshness": self.freshness()}

    def product(self, product_id):
        if product_id not in self.products:
            raise RefusedError(404, "there is no such product")
        own = [review for review in self.reviews if review["product_id"] == product_id]
        return {
            "product_id": product_id,
            **self.products[product_id],
            **self.counts(own),
            "mismatches": sum(review["mismatch"] is not None for review in own),
            "first_day": None,
            "last_day": None,
            **self.change(product_id),
        }

    def get_products(self, query):
        products = [
            self.product(one)
            for one, about in self.products.items()
            if query.get("category") in (None, about["category"])
        ]
        least = int(query.get("min_reviews", 0))
        products = [one for one in products if one["reviews"] >= least]
        sort, sign = query.get("sort", "reviews"), -1 if query.get("order") != "asc" else 1
        products.sort(key=lambda one: sign * (one[sort] or 0))
        page = products[: int(query["limit"])]
        return {"products": page, "next_cursor": None, "freshness": self.freshness()}

    def get_segments(self, query):
        by = query["by"]
        parts = defaultdict(list)
        for review in self.reviews:
            about = self.products[review["product_id"]] | {"source": review["source"]}
            parts[about[by]].append(review)
        segments = [
            {"name": name, "products": 1, **self.counts(reviews)} for name, reviews in parts.items()
        ]
        return {"by": by, "segments": segments, "freshness": self.freshness()}

    def get_reviews(self, query):
        reviews = sorted(self.matching(query), key=lambda r: r["reviewed_at"] or "", reverse=True)
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        if limit > PAGE:
            raise RefusedError(422, "limit: Input should be less than or equal to 200")
        page = reviews[start : start + limit]
        cursor = str(start + limit) if start + limit < len(reviews) else None
        return {"reviews": page, "next_cursor": cursor, "freshness": self.freshness()}

    def get_aspects(self, query):
        aspects = self.aspects[: int(query["limit"])]
        read = len(self.matching(query))
        return {"aspects": aspects, "reviews_read": read, "freshness": self.freshness()}

    def get_duplicates(self, query):
        return {"groups": self.groups[: int(query["limit"])], "next_cursor": None}


def start_of(day, interval):
    if interval == "month":
        return day.replace(day=1)
    return day if interval == "day" else day - timedelta(days=day.weekday())


def change(product_id, day, before, after, **values):
    """A change as the API returns it, with the link to the reviews that prove it."""
    worse = after > before
    sentiment = "negative" if worse else "positive"
    link = urlencode({"product_id": product_id, "sentiment": sentiment, "from": day.isoformat()})
    return {
        "day": day.isoformat(),
        "first_seen": day.isoformat(),
        "direction": "worse" if worse else "better",
        "negative_before": before,
        "negative_after": after,
        "reviews_before": 80,
        "reviews_after": 40,
        "p_value": 0.00000012,
        "reviews_link": f"/reviews?{link}",
        **values,
    }


def serve(shop):
    """Start a server on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            try:
                status, body = 200, shop.answer(parts.path, dict(parse_qsl(parts.query)))
            except RefusedError as error:
                code = "forbidden" if error.status == 403 else "not_found"
                code = "route_not_found" if str(error).startswith("No route") else code
                problem = {"title": "x", "status": error.status, "code": code}
                status, body = error.status, problem | {"detail": str(error)}
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
