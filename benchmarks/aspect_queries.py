"""GET /aspects and /duplicates over generated rows: ``python -m benchmarks.aspect_queries``.

Mentions are drawn with a few frequent aspects and a long tail, products likewise; counts are summed
from them. PostgreSQL, the service and the client share the machine.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from fastapi.testclient import TestClient

from lambdas.insights.api import create_app
from local.ports import free_port
from local.postgres import Postgres
from shared.db.aspect_counts import counted
from shared.db.connection import Database, connection_arguments
from shared.db.migrations import migrate

_REVIEWS = """
SET session_replication_role = replica;
INSERT INTO products SELECT 'p' || n, 'Product ' || n, 'c' || n % 20
FROM generate_series(0, {products} - 1) AS n;
INSERT INTO reviews (review_id, ingest_id, record, source, product_id, reviewer_key, rating, text,
                     reviewed_at)
SELECT 'r' || n, 'i', n, 'generated', 'p' || floor({products} * power(random(), 3)),
       'k' || n % 90000, 1 + n % 5,
       'The part is fine. I have used it for a while now and it does what it should do.',
       timestamptz '2020-01-01' + n % 2000 * interval '1 day'
FROM generate_series(1, {reviews}) AS n;
INSERT INTO aspect_mentions (review_id, place, product_id, category, aspect, is_first, sentiment,
                             confidence, starts, ends)
SELECT r.review_id, place, r.product_id, p.category,
       CASE WHEN place = 0 THEN '' ELSE 'aspect ' || floor(20000 * power(random(), 4)) END, true,
       (ARRAY['negative', 'neutral', 'positive', 'positive'])[1 + floor(4 * random())::int],
       random()::real, 0, 17
FROM reviews AS r JOIN products AS p USING (product_id) CROSS JOIN generate_series(0, 5) AS place;
INSERT INTO duplicate_members SELECT 'r' || n, n / 3 FROM generate_series(1, {reviews} / 10) AS n;
INSERT INTO duplicate_groups
SELECT 'exact', fingerprint, count(*), 2, 1, array_agg(DISTINCT product_id), '2020-01-01',
       '2021-01-01'
FROM duplicate_members JOIN reviews USING (review_id) GROUP BY fingerprint;
{counts};
ANALYZE;
"""


def main() -> int:
    """Print Markdown; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.aspect_queries", description=__doc__
    )
    parser.add_argument("--reviews", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reviewlens-bench-"))
    server = Postgres(
        folder / "data",
        port=free_port(0, what="benchmark database", option="-"),
        password=secrets.token_hex(8),
        log=folder / "log",
    )
    try:
        server.start()
        migrate(server.secret)
        with psycopg.connect(**connection_arguments(server.secret), autocommit=True) as owner:
            counts = counted("aspect_mentions", "1")
            sizes = {"reviews": options.reviews, "products": options.products}
            owner.execute(_REVIEWS.format(**sizes, counts=counts))
        database = Database(lambda: server.secret)
        _measure(TestClient(create_app(database)), options.requests, options.products)
        database.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _measure(client: TestClient, requests: int, products: int) -> None:
    asked = {
        "/aspects of the largest product": lambda _: ("/aspects", {"product_id": "p0"}),
        "/aspects of a product": lambda n: ("/aspects", {"product_id": f"p{7 * n % products}"}),
        "/aspects of a category": lambda n: ("/aspects", {"category": f"c{n % 20}"}),
        "/aspects of all": lambda _: ("/aspects", {}),
        "/reviews that mention an aspect": lambda n: ("/reviews", {"aspect": f"aspect {n}"}),
        "/duplicates": lambda _: ("/duplicates", {"limit": 50}),
        "/duplicates of a product": lambda n: ("/duplicates", {"product_id": f"p{n}"}),
    }
    print("| route | p50 | p95 |\n|---|---:|---:|")
    for label, made in asked.items():
        took = []
        for number in range(requests):
            path, query = made(number)
            started = time.perf_counter()
            answer = client.get(path, params=query)
            took.append(1000 * (time.perf_counter() - started))
            assert answer.status_code == 200, answer.text
        took.sort()
        print(f"| {label} | {took[len(took) // 2]:.1f} ms | {took[len(took) * 95 // 100]:.1f} ms |")


if __name__ == "__main__":
    sys.exit(main())
