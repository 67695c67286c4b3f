"""GET /aspects and /duplicates over a million reviews.

Aspects and products have a few frequent values and a long tail; counts are computed from the
mentions.
"""

import psycopg

from benchmarks import routes
from benchmarks.context import Context
from benchmarks.figures import Report
from benchmarks.stacks import bare_services
from shared.db.aspects.counts import add_counts

REVIEWS = 1_000_000
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


def run(context: Context) -> list[Report]:
    """Fill an empty database, then measure both routes with each of their filters."""
    count = context.rows or REVIEWS
    products = max(10, count // 200)
    report = Report(f"Aspects and duplicates over {count:,} reviews")
    with bare_services(context.scratch / "aspects") as bare:
        with psycopg.connect(bare.postgres.uri, autocommit=True) as owner:
            counts = add_counts("aspect_mentions", "1")
            owner.execute(_REVIEWS.format(reviews=count, products=products, counts=counts))
        routes.measure(bare, report, context, _requests(products))
    return [report]


def _requests(products: int) -> dict[str, list[str]]:
    """Paths with query strings, by label."""
    sample = [f"p{number}" for number in range(0, products, max(1, products // 50))]
    return {
        "/aspects of the largest product": ["/aspects?product_id=p0"],
        "/aspects of a product": [f"/aspects?product_id={product}" for product in sample],
        "/aspects of a category": [f"/aspects?category=c{number}" for number in range(20)],
        "/aspects of all": ["/aspects"],
        "/reviews that mention an aspect": [
            f"/reviews?aspect=aspect+{number}" for number in range(0, 2000, 50)
        ],
        "/duplicates": ["/duplicates?limit=50"],
        "/duplicates of a product": [f"/duplicates?product_id={product}" for product in sample],
    }
