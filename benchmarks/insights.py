"""Response times of insights over a million reviews, and the cost of updating its figures."""

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg

from benchmarks import routes
from benchmarks.context import Context
from benchmarks.figures import Report
from benchmarks.stacks import BareServices, bare_services
from shared.db.connection import Database
from shared.db.insights.rollups import refresh

REVIEWS = 1_000_000
_BATCH = 10_000
_CATEGORIES = [f"Category {n:02}" for n in range(24)]
_SOURCES = ("aws", "amazon2018", "amazon2023", "shop")
_FIRST_DAY = datetime(2012, 1, 1, tzinfo=UTC)
_DAYS = 5000
_RARE = "Rare"
_REVIEW = "COPY reviews (review_id, ingest_id, record, source, product_id, rating, title, text,"
_COLUMNS = f"{_REVIEW} reviewed_at) FROM STDIN"
_ANALYSIS = (
    "COPY analyses (review_id, model_version, sentiment, confidence, negative, neutral, positive)"
    " FROM STDIN"
)
_TEXT = "It does what it says on the box, and the battery lasts for days. " * 5


def run(context: Context) -> list[Report]:
    """Fill an empty database, measure the refresh, then every route with every filter."""
    count = context.rows or REVIEWS
    with bare_services(context.scratch / "insights") as bare:
        report = Report(f"Insights over {count:,} reviews")
        database = Database(lambda: bare.postgres.secret)
        try:
            _fill(bare, database, report, count)
            _measure_updates(bare, database, report, context.rounds, count)
            routes.measure(bare, report, context, _requests(_product_count(count)))
        finally:
            database.close()
    return [report]


def _fill(bare: BareServices, database: Database, report: Report, count: int) -> None:
    started = time.perf_counter()
    with psycopg.connect(bare.postgres.uri) as connection:
        _products(connection, count)
        for first in range(0, count, _BATCH):
            _store(connection, range(first, min(count, first + _BATCH)), _product_count(count))
            connection.commit()
    stored = time.perf_counter()
    while not refresh(database, seconds=3600):
        pass
    report.add("reviews and analyses by COPY, one process", "rows/s", [count / (stored - started)])
    done = time.perf_counter() - stored
    report.add("all of them taken up by the figures", "reviews/s", [count / done])
    with psycopg.connect(bare.postgres.uri, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _products(connection: Any, count: int) -> None:
    rows = connection.cursor()
    with rows.copy("COPY products FROM STDIN") as copy:
        for n in range(_product_count(count)):
            category = _RARE if n % 997 == 5 else _CATEGORIES[n % len(_CATEGORIES)]
            copy.write_row([f"B{n:09d}", f"Thing number {n}", category])


def _product_count(count: int) -> int:
    return max(10, count // 50)


def _store(connection: Any, numbers: range, products: int) -> None:
    """Store reviews; many products have few reviews and some have thousands."""
    rng = random.Random(numbers.start)
    analyses, cursor = [], connection.cursor()
    with cursor.copy(_COLUMNS) as copy:
        for n in numbers:
            review_id = f"h:{n:032x}"
            product = f"B{int(products * rng.random() ** 3):09d}"
            stars = rng.choices((1, 2, 3, 4, 5), (18, 8, 9, 17, 48))[0]
            day = _FIRST_DAY + timedelta(days=_DAYS * rng.random() ** 0.5)
            at = None if n % 500 == 0 else day
            source = rng.choices(_SOURCES, (60, 30, 9.9, 0.1))[0]
            copy.write_row([review_id, "ing", n, source, product, stars, "A title", _TEXT, at])
            analyses.append((review_id, "m1", *_random_analysis(rng, stars)))
    with cursor.copy(_ANALYSIS) as copy:
        for row in analyses:
            copy.write_row(row)


def _random_analysis(rng: random.Random, stars: int) -> tuple[str, float, float, float, float]:
    weights = (88, 9, 3) if stars < 3 else (25, 40, 35) if stars == 3 else (2, 3, 95)
    label = rng.choices(("negative", "neutral", "positive"), weights)[0]
    return label, round(0.5 + rng.random() / 2, 4), 0.1, 0.1, 0.8


def _measure_updates(
    bare: BareServices, database: Database, report: Report, rounds: int, count: int
) -> None:
    """Measure the refresh after 1,000 more reviews, and the cost of the change log on inserts."""
    times = []
    with psycopg.connect(bare.postgres.uri) as connection:
        for n in range(rounds):
            first = count + n * 1000
            _store(connection, range(first, first + 1000), _product_count(count))
            connection.commit()
            started = time.perf_counter()
            refresh(database)
            times.append((time.perf_counter() - started) * 1000)
    report.add("1,000 reviews more: taken up by the figures", "ms", times)
    logged, plain = zip(*(_insert_times(bare, n) for n in range(rounds)), strict=True)
    with_log = report.add("10,000 rows into reviews, with the log", "ms", logged)
    without = report.add("… without it", "ms", plain)
    report.compare("with the log ÷ without it", with_log, without)


def _insert_times(bare: BareServices, turn: int) -> tuple[float, float]:
    """Milliseconds of one insert with triggers and one without, both rolled back."""
    times = []
    for logged in (True, False):
        with psycopg.connect(bare.postgres.uri) as connection:
            role = "origin" if logged else "replica"
            connection.execute(f"SET session_replication_role = {role}")
            started = time.perf_counter()
            connection.execute(
                "INSERT INTO reviews (review_id, ingest_id, record, source, product_id, rating,"
                " text, reviewed_at) SELECT 'w' || n || '-' || %s, 'w', n, 's', 'B000000001', 4,"
                " repeat('Fine. ', 50), now() FROM generate_series(1, 10000) AS n",
                (turn,),
            )
            times.append((time.perf_counter() - started) * 1000)
            connection.rollback()
    return times[0], times[1]


def _requests(products: int) -> dict[str, list[str]]:
    """Paths of every route with each of its filters, by label."""
    busy, quiet = "B000000000", f"B{products * 3 // 4:09d}"
    rare = {"category": _RARE}
    reviews: dict[str, list[dict[str, Any]]] = {
        "/reviews": [{}, {"limit": 200}],
        "/reviews by product": [{"product_id": busy}, {"product_id": quiet}],
        "/reviews by sentiment": [{"sentiment": s} for s in ("negative", "neutral", "positive")],
        "/reviews by stars": [
            {"min_rating": 4}, {"max_rating": 2}, {"min_rating": 3, "max_rating": 3},
            {"min_rating": 2.2, "max_rating": 2.8},
        ],
        "/reviews by days": [{"from": "2015-03-01", "to": "2015-03-31"}, {"to": "2012-02-01"}],
        "/reviews by category": [{"category": _CATEGORIES[3]}, rare],
        "/reviews by source": [{"source": name} for name in _SOURCES],
        "/reviews with mismatch": [{"mismatch": "true"}, {"mismatch": "true", **rare}],
        "/reviews by several": [
            {"product_id": busy, "sentiment": "neutral", "max_rating": 1},
            {"category": _CATEGORIES[3], "sentiment": "negative", "min_rating": 5},
            {"sentiment": "neutral", "min_rating": 5},
            {"sentiment": "positive", "max_rating": 1, "source": "shop"},
            {**rare, "sentiment": "neutral", "source": "shop"},
            {"source": "shop", "category": _CATEGORIES[7], "sentiment": "neutral"},
            {"sentiment": "neutral", "max_rating": 1, "to": "2013-01-01"},
        ],
    }  # fmt: skip
    requests = {
        name: [f"/reviews?{urlencode(query)}" for query in queries]
        for name, queries in reviews.items()
    }
    intervals = ("day", "week", "month")
    requests["/trends of everything"] = [f"/trends?interval={each}" for each in intervals]
    requests["/trends of a segment"] = [
        f"/trends?{urlencode(query)}"
        for query in ({"category": _CATEGORIES[3]}, rare, {"source": "aws"},
                      {"category": _CATEGORIES[3], "source": "aws", "interval": "day"})
    ]  # fmt: skip
    requests["/trends of a product"] = [
        f"/trends?product_id={product}&interval={each}"
        for product in (busy, quiet)
        for each in intervals
    ]
    requests["/movers"] = ["/movers", "/movers?direction=worse", f"/movers?{urlencode(rare)}"]
    requests["/overview"] = ["/overview", f"/overview?{urlencode(rare)}"]
    requests["/segments"] = ["/segments?by=category", "/segments?by=source"]
    requests["/drift"] = ["/drift"]
    requests["/products"] = [
        f"/products?sort={sort}&order={order}"
        for sort in ("reviews", "net_sentiment", "negative_share", "mean_rating", "mismatches")
        for order in ("asc", "desc")
    ]
    requests["/products by filters"] = [
        f"/products?{urlencode(query)}"
        for query in ({"search": "number 1999"}, {"search": "nothing like it"}, rare,
                      {"min_reviews": 5000, "sort": "net_sentiment"},
                      {**rare, "sort": "negative_share"})
    ]  # fmt: skip
    requests["/products/{id}"] = [f"/products/{busy}", f"/products/{quiet}"]
    requests["/products/{id}/summary"] = [f"/products/{each}/summary" for each in (busy, quiet)]
    return requests
