"""Incrementally updated sums equal those of counting all rows."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.db.connection import connection_arguments
from shared.db.ingest.adoption import activate_analyses
from shared.db.ingest.analyses import upsert_analyses
from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.insights.rollups import LOCK, is_behind, refresh
from shared.schemas.decisions import DEFAULT_SURE_ABOVE
from shared.schemas.sentiment import Sentiment, disagreement
from shared.storage.shard_schemas import CLEAN_SCHEMA

LABELS = ("negative", "neutral", "positive")
SUMS = ("reviews", "rated", "rating_sum", "negative", "neutral", "positive", "mismatches")
KEYS = {
    "product_days": ("product_id", "source", "day"),
    "product_sources": ("product_id", "source"),
    "segment_days": ("segment", "category", "source", "day"),
    "segment_totals": ("segment", "name"),
    "product_totals": ("product_id", "category"),
}
BASE = """
SELECT r.review_id, coalesce(r.product_id, ''), coalesce(p.category, ''), r.source,
       (r.reviewed_at AT TIME ZONE 'UTC')::date, r.rating, a.sentiment, a.confidence, o.sentiment
FROM reviews AS r LEFT JOIN products AS p USING (product_id)
LEFT JOIN picture_opinions AS o USING (review_id, ingest_id) LEFT JOIN LATERAL (
    SELECT * FROM analyses WHERE review_id = r.review_id
    ORDER BY analysed_at DESC, model_version DESC LIMIT 1
) AS a ON true
"""


def store(database, rows, ingest_id="i"):
    complete = [{"record": n + 1, "text": "t", "source": "s", **row} for n, row in enumerate(rows)]
    table = pa.Table.from_pylist(complete, schema=CLEAN_SCHEMA)
    with database.transaction() as connection:
        store_reviews(connection, ingest_id, copy_rows(table))


def analyse(database, ids, model, label, confidence=0.8, *, current=True):
    with database.transaction() as connection:
        stored = connection.execute(
            "SELECT review_id FROM reviews WHERE review_id = ANY(%s)", (list(ids),)
        ).fetchall()
        ids = [review_id for (review_id,) in stored]
        n = len(ids)
        upsert_analyses(
            connection,
            model,
            ids,
            [label] * n,
            [confidence] * n,
            [[0.1] * n] * 3,
            [("en", True)] * n,
            current=current,
        )


def look_at(database, ids, sentiment):
    """Store what the pictures of reviews say; None: nothing any more."""
    with database.transaction() as connection:
        if sentiment is None:
            connection.execute("DELETE FROM picture_opinions WHERE review_id = ANY(%s)", (ids,))
            return
        connection.execute(
            "INSERT INTO picture_opinions SELECT review_id, ingest_id, %s FROM reviews"
            " WHERE review_id = ANY(%s) ON CONFLICT (review_id) DO UPDATE"
            " SET ingest_id = excluded.ingest_id, sentiment = excluded.sentiment",
            (sentiment, ids),
        )


def stored_sums(rows):
    """The sums in the tables: table to key to sums."""
    sums = {}
    for table, keys in KEYS.items():
        columns = [f"CASE WHEN {k} > '-infinity' THEN {k} END" if k == "day" else k for k in keys]
        selected = rows(f"SELECT {', '.join(columns)}, {', '.join(SUMS)} FROM {table}")
        sums[table] = {row[: len(keys)]: tuple(map(Decimal, row[len(keys) :])) for row in selected}
    return sums


def expected_sums(rows):
    """The sums of counting all reviews, products and analyses."""
    sums = {table: defaultdict(lambda: [Decimal(0)] * len(SUMS)) for table in KEYS}
    for _, product, category, source, day, rating, sentiment, confidence, picture in rows(BASE):
        is_confident = confidence is not None and confidence >= DEFAULT_SURE_ABOVE
        text = Sentiment(sentiment) if is_confident else None
        mismatch, _ = disagreement(rating, text, picture and Sentiment(picture))
        values = [1, rating is not None, Decimal(str(rating or 0))]
        values += [sentiment == label for label in LABELS] + [mismatch is not None]
        cells = [
            ("product_days", (product, source, day)),
            ("segment_days", ("all", "", "", day)),
            ("segment_days", ("category", category, "", day)),
            ("segment_days", ("source", "", source, day)),
            ("segment_days", ("both", category, source, day)),
            ("segment_totals", ("category", category)),
            ("segment_totals", ("source", source)),
        ]
        if product:
            cells += [
                ("product_sources", (product, source)),
                ("product_totals", (product, category)),
            ]
        for table, key in cells:
            sums[table][key] = [a + b for a, b in zip(sums[table][key], values, strict=True)]
    return {table: {k: tuple(v) for k, v in cells.items()} for table, cells in sums.items()}


def check(database, rows):
    assert refresh(database)
    assert not is_behind(database)
    assert stored_sums(rows) == expected_sums(rows)
    # and every review is counted once
    facts = "SELECT count(*) FROM review_facts"
    assert rows(facts) == rows("SELECT count(*) FROM reviews")
    stored_days = "SELECT product_id, first_day, last_day FROM product_totals ORDER BY 1"
    days = (
        "SELECT product_id, min((reviewed_at AT TIME ZONE 'UTC')::date),"
        " max((reviewed_at AT TIME ZONE 'UTC')::date) FROM reviews WHERE product_id IS NOT NULL"
        " GROUP BY 1 ORDER BY 1"
    )
    assert rows(stored_days) == rows(days)


moments = st.none() | st.sampled_from(
    [datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC) + timedelta(hours=12 * n) for n in range(5)]
)
review = st.fixed_dictionaries(
    {
        "review_id": st.sampled_from([f"r{n}" for n in range(12)]),
        "product_id": st.none() | st.sampled_from(["p1", "p2", "p3"]),
        "category": st.none() | st.sampled_from(["Audio", "Home"]),
        "source": st.sampled_from(["a", "b"]),
        "rating": st.none() | st.sampled_from([1.0, 2.0, 3.7, 4.5, 5.0]),
        "reviewed_at": moments,
    }
)
some_ids = st.lists(st.sampled_from([f"r{n}" for n in range(12)]), max_size=6, unique=True)
step = st.one_of(
    st.tuples(st.just("store"), st.lists(review, min_size=1, max_size=6)),
    st.tuples(
        st.just("analyse"),
        st.tuples(some_ids, st.sampled_from(["m1", "m2"]), st.sampled_from(LABELS),
                  st.sampled_from([0.5, 0.9]), st.booleans()),
    ),
    st.tuples(st.just("activate"), st.sampled_from(["m1", "m2"])),
    st.tuples(
        st.just("category"),
        st.tuples(st.sampled_from(["p1", "p2"]), st.sampled_from(["", "Audio", "Garden"])),
    ),
    st.tuples(
        st.just("delete"), st.tuples(st.sampled_from(["reviews", "analyses"]), some_ids)
    ),
    st.tuples(st.just("rate"), st.tuples(some_ids, st.sampled_from([None, 1.0, 5.0]))),
    st.tuples(
        st.just("look at"), st.tuples(some_ids, st.sampled_from([None, "negative", "positive"]))
    ),
    st.tuples(st.just("refresh"), st.none()),
)  # fmt: skip


@pytest.fixture
def owner(postgres):
    """Runs statements as the owner of the tables: ``owner("UPDATE …", …)``."""

    def execute(query, *arguments):
        with psycopg.connect(**connection_arguments(postgres.secret)) as connection:
            connection.execute(query, arguments)

    return execute


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(step, max_size=12))
def test_after_any_steps_the_sums_equal_those_of_counting_all_rows(
    steps, database, rows, owner, empty_tables
):
    empty_tables()
    for number, (action, argument) in enumerate(steps):
        match action:
            case "store":
                store(database, argument, f"i{number}")
            case "analyse":
                ids, model, label, confidence, current = argument
                analyse(database, ids, model, label, confidence, current=current)
            case "activate":
                with database.transaction() as connection:
                    activate_analyses(connection, argument)
            case "category":
                owner(
                    "UPDATE products SET category = nullif(%s, '') WHERE product_id = %s",
                    *argument[::-1],
                )
            case "delete":
                table, ids = argument
                owner(f"DELETE FROM {table} WHERE review_id = ANY(%s)", ids)
            case "rate":
                owner("UPDATE reviews SET rating = %s WHERE review_id = ANY(%s)", *argument[::-1])
            case "look at":
                look_at(database, *argument)
            case "refresh":
                check(database, rows)
    check(database, rows)


def test_a_repeated_change_changes_nothing(database, rows, owner):
    store(database, [{"review_id": "r", "product_id": "p", "rating": 4.0}])
    analyse(database, ["r"], "m1", "positive")
    refresh(database)
    before = stored_sums(rows)
    owner("INSERT INTO insight_changes (review_ids) VALUES ('{r,r,missing}'), ('{r}')")
    refresh(database)
    assert stored_sums(rows) == before


def test_a_rolled_back_transaction_leaves_no_pending_change(database, rows):
    with pytest.raises(RuntimeError), database.transaction() as connection:  # noqa: PT012
        connection.execute(
            "INSERT INTO reviews (review_id, ingest_id, record, source, text)"
            " VALUES ('r', 'i', 1, 's', 't')"
        )
        raise RuntimeError
    assert not is_behind(database)


def test_a_change_committed_during_a_refresh_is_processed_by_the_next(database, rows, app_secret):
    """Its change id is lower than processed ones: ids are assigned before the commit."""
    with psycopg.connect(**connection_arguments(app_secret)) as connection:
        connection.execute(
            "INSERT INTO reviews (review_id, ingest_id, record, source, text)"
            " VALUES ('slow', 'i', 1, 's', 't')"
        )
        store(database, [{"review_id": "quick"}])
        refresh(database)
        assert rows("SELECT review_id FROM review_facts") == [("quick",)]
    check(database, rows)
    assert rows("SELECT count(*) FROM review_facts") == [(2,)]


def test_a_refresh_returns_at_once_while_another_runs(database, rows, app_secret):
    store(database, [{"review_id": "r"}])
    with psycopg.connect(**connection_arguments(app_secret)) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        assert refresh(database, seconds=60)
        assert is_behind(database)
    check(database, rows)


def test_concurrent_writers_and_refreshes_end_with_exact_sums(database, rows):
    ids = [f"r{n}" for n in range(240)]
    finished = threading.Event()

    def write(start):
        mine = ids[start::3]
        for at in range(0, len(mine), 10):
            batch = mine[at : at + 10]
            reviews = [
                {"review_id": i, "product_id": f"p{n % 4}", "rating": 4.5, "category": f"c{start}"}
                for n, i in enumerate(batch)
            ]
            store(database, reviews, f"i{start}-{at}")
            refresh(database)
            analyse(database, batch, f"m{at % 20}", LABELS[at % 3])
            refresh(database)

    def keep_refreshing():
        while not finished.is_set():
            refresh(database)

    with ThreadPoolExecutor(5) as pool:
        refreshers = [pool.submit(keep_refreshing) for _ in range(2)]
        for writer in [pool.submit(write, start) for start in range(3)]:
            writer.result()
        finished.set()
        for refresher in refreshers:
            refresher.result()
    # every writer refreshes after its commit, so nothing is left for a sweep
    assert not is_behind(database)
    check(database, rows)
    assert rows("SELECT sum(reviews) FROM segment_totals WHERE segment = 'source'") == [(240,)]


def test_many_changes_are_processed_in_several_rounds(database, rows, monkeypatch):
    monkeypatch.setattr("shared.db.insights.rollups._REVIEWS_PER_ROUND", 2)
    monkeypatch.setattr("shared.db.insights.product_changes._PRODUCTS_PER_ROUND", 2)
    for n in range(7):
        store(database, [{"review_id": f"r{n}", "product_id": f"p{n % 5}"}], f"i{n}")
    assert not refresh(database, seconds=0)
    check(database, rows)


def test_the_change_point_of_a_product_is_stored_with_its_sums(database, rows):
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    reviews = [
        {"review_id": f"r{n:02}", "product_id": "p", "reviewed_at": first + timedelta(days=n)}
        for n in range(40)
    ]
    store(database, reviews)
    ids = [row["review_id"] for row in reviews]
    analyse(database, ids[:25], "m1", "positive")
    analyse(database, ids[25:], "m1", "negative")
    refresh(database)
    query = (
        "SELECT change_day, reviews_before, negative_before, reviews_after, negative_after,"
        " p_value < 1e-6 FROM product_totals"
    )
    day = (first + timedelta(days=25)).date()
    assert rows(query) == [(day, 25, 0, 15, 15, True)]
    analyse(database, ids, "m1", "positive")
    refresh(database)
    assert rows("SELECT p_value FROM product_totals") == [(1.0,)]
