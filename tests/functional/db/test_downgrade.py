"""Each migration can be undone with data present, and done again."""

import psycopg
import pytest

from shared.db.connection import connection_arguments
from shared.db.migrations import head_revision, known_revisions, migrate
from shared.db.migrations.downgrade import EMPTY, LOSSES, downgrade
from shared.errors import ConflictError, InvalidInputError

REVISIONS = [EMPTY, *sorted(known_revisions())]
DATA = """
INSERT INTO products (product_id, title, category, brand, origins)
    VALUES ('p1', 'Pan', 'kitchen', 'Acme', '{"brand": "ing_1"}');
INSERT INTO ingests (ingest_id, bucket, key, etag, status, details, format_version, undo)
    VALUES ('ing_1', 'raw', 'uploads/a.csv', 'e', 'processed_with_warnings', '{"n": 1}', 2, NULL),
           ('ing_2', 'raw', 'uploads/b.csv', 'e', 'undone', '{}', 2, '{}');
INSERT INTO shards (ingest_id, part, fingerprint, accepted, rejected, rows, key, model_version,
                    format_version, languages, duplicates_of, recheck_after, attempts, failure,
                    outages, failed_at)
    VALUES ('ing_1', 0, 'f', 2, 1, 2, 'k', 'm', 2, '{"en": 2}', '{ing_0}', 'ing_0', 5, 'broken',
            1, now());
INSERT INTO rejects VALUES ('ing_1', 3, 'a.csv', 4, 'text_missing', 'no text', ',,');
INSERT INTO reviews (review_id, ingest_id, record, source, product_id, rating, text)
    VALUES ('r1', 'ing_1', 1, 'shop', 'p1', 5, 'Good pan'),
           ('r2', 'ing_1', 2, 'shop', 'p1', 1, 'Bad');
UPDATE reviews SET picture_urls = 'https://a.example/1.jpg' WHERE review_id = 'r1';
INSERT INTO picture_batches (ingest_id, first, last, pictures) VALUES ('ing_1', 1, 1, 1);
INSERT INTO picture_opinions VALUES ('r1', 'ing_1', 'negative');
INSERT INTO analyses (review_id, model_version, sentiment, confidence, negative, neutral, positive,
                      language, understood, sure, mixed, sentiment_model)
    VALUES ('r1', 'm', 'positive', 0.9, 0, 0.1, 0.9, 'en', true, true, true, 'm2'),
           ('r2', 'm', 'negative', 0.9, 0.9, 0.1, 0, 'de', false, true, NULL, NULL);
INSERT INTO aspect_readings VALUES ('r1', 'm', '{pan}', '{0}', '{8}', '{positive}', '{0.9}');
INSERT INTO text_prints VALUES ('r1', 7, '{1,2}');
INSERT INTO exclusions (exclusion_id, kind, subject, status, receipt)
    VALUES ('exc_1', 'product', 'p9', 'removed', '{}');
INSERT INTO training_runs (training_id, day, number, state, parameters, fingerprint, launcher, rows,
                           estimated_at)
    VALUES ('train_1', '2026-01-01', 1, 'completed', '{}', 'f', 'local', 10, now());
"""
SCHEMA = """
SELECT table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT event_object_table, trigger_name, event_manipulation, action_statement, ''
    FROM information_schema.triggers
UNION ALL SELECT proname, prosrc, '', '', '' FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prolang <> 13 AND proname LIKE 'note_%'
"""
KEPT = ("reviews", "analyses", "ingests", "shards", "rejects", "products")


@pytest.fixture
def empty(postgres):
    """Secret of a database without tables."""
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as connection:
        connection.execute("CREATE DATABASE downgraded")
        yield {**postgres.secret, "dbname": "downgraded"}
        connection.execute("DROP DATABASE downgraded WITH (FORCE)")


@pytest.fixture
def filled(empty):
    """Secret of a database at the newest revision with rows in every column that it added."""
    migrate(empty)
    with psycopg.connect(**connection_arguments(empty)) as connection:
        connection.execute(DATA)
    return empty


def fetch(secret, query):
    with psycopg.connect(**connection_arguments(secret)) as connection:
        return connection.execute(query).fetchall()


def schema_of(secret):
    return sorted(
        tuple(map(str, row)) for row in fetch(secret, SCHEMA) if row[0] != "alembic_version"
    )


def test_every_revision_declares_what_its_downgrade_loses():
    assert set(LOSSES) == known_revisions(), "add the new revision to LOSSES in downgrade.py"


def test_each_step_down_and_up_gives_the_schema_of_that_revision(filled, empty):
    """Down to each revision, up again one by one: the schemas are equal, and rows are kept."""
    after_downgrade = {}
    for revision in reversed(REVISIONS[:-1]):
        assert downgrade(filled, revision, lossy=True) == revision
        after_downgrade[revision] = schema_of(filled)
        if revision != EMPTY:
            counts = [fetch(filled, f"SELECT count(*) FROM {table}")[0][0] for table in KEPT]
            assert counts == [2, 2, 2, 1, 1, 1]
    for revision in REVISIONS[1:-1]:
        migrate(filled, revision)
        assert schema_of(filled) == after_downgrade[revision], revision
    assert migrate(filled) == head_revision()


def test_data_survive_a_way_down_and_up(filled):
    before = schema_of(filled)
    downgrade(filled, "0001", lossy=True)
    assert migrate(filled) == head_revision()
    assert schema_of(filled) == before
    assert fetch(filled, "SELECT review_id, text FROM reviews ORDER BY 1") == [
        ("r1", "Good pan"),
        ("r2", "Bad"),
    ]
    # one that was undone is not collected again by an earlier release
    statuses = fetch(filled, "SELECT status, details FROM ingests ORDER BY ingest_id")
    assert statuses == [("processed", {}), ("failed", {})]
    # the reviews are processed again, and all figures are computed again
    assert fetch(filled, "SELECT model_version FROM shards") == [(None,)]
    assert fetch(filled, "SELECT sum(reviews) FROM insight_changes") == [(2,)]


@pytest.mark.parametrize("revision", [r for r in REVISIONS[1:] if LOSSES[r]])
def test_a_downgrade_that_would_lose_data_changes_nothing(filled, revision):
    target = REVISIONS[REVISIONS.index(revision) - 1]
    before = schema_of(filled)
    with pytest.raises(ConflictError, match="--lossy") as caught:
        downgrade(filled, target)
    assert all(name in caught.value.message for name in LOSSES[revision])
    assert schema_of(filled) == before


def test_without_data_nothing_is_lost(empty):
    migrate(empty)
    assert downgrade(empty, "0002") == "0002"
    assert downgrade(empty, "0002") == "0002"
    assert downgrade(empty, EMPTY) == EMPTY
    assert migrate(empty) == head_revision()


def test_only_earlier_revisions_are_accepted(empty):
    migrate(empty, "0003")
    for revision in ("0004", "head", "", "0003; DROP TABLE reviews"):
        with pytest.raises(
            InvalidInputError, match="revision: must be one of base, 0001, 0002, 0003"
        ):
            downgrade(empty, revision)
