"""What an earlier release stored is opened, searched, rebuilt and reprocessed by this one."""

import numpy as np
import psycopg
import pytest
from fastapi.testclient import TestClient

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies as InsightsDependencies
from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from sagemaker_jobs.score.scoring import Dependencies as ScoringDependencies
from sagemaker_jobs.score.scoring import score_missing
from shared.db.connection import Database, connection_arguments
from shared.db.ingest.ledger import Ledger
from shared.db.insights.rollups import refresh
from shared.db.migrations import migrate
from shared.index.build import build_index
from shared.index.reader import IndexReader
from shared.schemas.formats import LEDGER
from shared.schemas.messages import ProcessShard
from shared.schemas.search import SearchFilters
from shared.storage import artefacts, layout
from shared.storage.shard_schemas import CLEAN_SCHEMA, SERVED_SCHEMA
from shared.storage.shards import read_clean, read_served
from tests.corpus import made_up_reviews, publish_manifest_only, put_shard, random_vectors
from tests.fakes.dependencies import processing_dependencies
from tests.fakes.encoder import WordEncoder
from tests.fixtures.stored import load
from tests.fixtures.stored.make import DIMENSION, MODEL, REVIEWS, SHARD_ROWS

ENCODER = WordEncoder(DIMENSION)
EVERYTHING = 1_000


@pytest.fixture(params=load.RELEASES)
def release(request):
    return request.param


@pytest.fixture
def store(release):
    return load.bucket(release, "artefacts")


@pytest.fixture
def clean(release):
    return load.bucket(release, "clean")


@pytest.fixture
def migrated(postgres, release):
    """The database of the release after this release's migrations."""
    name = f"release_{release}"
    secret = {**postgres.secret, "dbname": name}
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as owner:
        owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        owner.execute(f"CREATE DATABASE {name}")
        migrate(secret, load.revision(release))
        with psycopg.connect(**connection_arguments(secret)) as connection:
            load.insert(release, connection)
        migrate(secret)
        pool = Database(lambda: secret, pool_size=8)
        yield pool
        pool.close()
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


def opened(store, folder):
    version = artefacts.current(store, "index").version
    return IndexReader(artefacts.fetch(store, "index", version, folder))


def query(text):
    return np.asarray(ENCODER.encode([text]).embeddings[0], np.float32)


def test_its_index_answers_searches_with_and_without_filters(store, tmp_path):
    index = opened(store, tmp_path)
    assert index.count == REVIEWS
    hit = index.search(query("Title 1. This is a bad thing, number 1."), 1)[0]
    assert hit.score == pytest.approx(1, abs=2e-3)
    assert (hit.row.text, hit.row.title) == ("This is a bad thing, number 1.", "Title 1")
    assert (hit.row.product_id, hit.row.category) == ("B000000001", "outdoor")
    assert (hit.row.rating, hit.row.sentiment) == (2.0, "negative")
    assert hit.row.brand is None
    assert index.search(query("thing"), 3, SearchFilters(brand="Lumen")) == []
    for filters in (
        SearchFilters(category="kitchen", min_rating=2),
        SearchFilters(product_id="B000000001", sentiment="negative"),
    ):
        assert index.search(query("thing"), 3, filters)


def test_its_shards_are_built_into_an_index_with_new_ones(store, tmp_path):
    put_shard(store, MODEL, made_up_reviews(10), random_vectors(10, DIMENSION), part=0)
    report = build_index(store)
    assert (report.outcome, report.count, report.skipped) == ("published", REVIEWS + 10, [])
    index = opened(store, tmp_path)
    assert index.count == REVIEWS + 10
    brands = {hit.row.brand for hit in index.search(query("thing"), EVERYTHING)}
    assert brands == {None, "Lumen", "Brook & Co"}


def test_its_index_is_current_until_something_changes(store):
    assert build_index(store).outcome == "unchanged"
    report = build_index(store, force=True)
    assert (report.outcome, report.count) == ("published", REVIEWS)


def test_its_shards_have_every_column_of_this_release(store, clean, release):
    ingest_id = load.ingest_id(release)
    reviews = read_clean(clean, layout.clean_shard(ingest_id, 0))
    assert reviews.schema.equals(CLEAN_SCHEMA)
    assert reviews["text"][0].as_py() == "This is a lovely thing, number 0."
    assert reviews["brand"].null_count == SHARD_ROWS
    served = read_served(store, layout.analysis_shard(MODEL, ingest_id, 0))
    assert served.schema.equals(SERVED_SCHEMA)
    assert served["review_id"].equals(reviews["review_id"])


def test_its_clean_shards_are_processed_again_by_a_new_model(store, clean, migrated, release):
    publish_manifest_only(store, "m2", DIMENSION)
    ledger = Ledger(migrated)
    processor = Processor(
        processing_dependencies(
            migrated,
            lambda: Model(ENCODER, "m2"),
            ledger=ledger,
            clean=clean,
            artefacts=store,
        )
    )
    messages = ledger.reopen("m2", 0)
    assert len(messages) == REVIEWS // SHARD_ROWS
    for message in messages:
        processor.process(message)
    report = build_index(store)
    assert (report.outcome, report.count, report.skipped) == ("published", REVIEWS, [])


def test_its_clean_shards_are_scored_for_a_candidate(store, clean, migrated):
    class Candidate(WordEncoder):
        version = "m2"

    publish_manifest_only(store, "m2", DIMENSION)
    report = score_missing(ScoringDependencies(migrated, clean, store), Candidate(DIMENSION))
    assert (report.reviews, report.skipped) == (REVIEWS, {})
    assert build_index(store).count == REVIEWS


def test_its_ledger_is_read_and_continued(migrated, release):
    ledger, ingest_id = Ledger(migrated), load.ingest_id(release)
    report = ledger.report(ingest_id)
    assert (report.status, report.stored, report.shards_processed) == ("processed", REVIEWS, 3)
    assert ledger.shard(ingest_id, 2).rows == SHARD_ROWS
    assert sorted(ledger.start(ingest_id)) == [0, 1, 2]
    newer = ledger.receive("raw", "uploads/newer", "etag")
    with migrated.transaction() as connection:
        versions = connection.execute(
            "SELECT format_version FROM ingests ORDER BY ingest_id = %s", (newer,)
        ).fetchall()
    assert versions == [(1,), (LEDGER.version,)]


def test_its_products_have_no_brand(migrated):
    assert refresh(migrated)
    with TestClient(create_app(lambda: InsightsDependencies(migrated))) as http:
        products = http.get("/products").json()["products"]
        assert [product["brand"] for product in products] == [None] * 5
        assert http.get("/products", params={"brand": ""}).json()["products"] == products
        assert http.get("/products", params={"brand": "Lumen"}).json()["products"] == []


def test_a_shard_of_its_ledger_can_be_asked_for_by_message(migrated, release):
    ingest_id = load.ingest_id(release)
    key = layout.clean_shard(ingest_id, 0)
    message = ProcessShard(ingest_id=ingest_id, part=0, key=key, rows=SHARD_ROWS)
    assert Ledger(migrated).reopen("m2", 0)[0] == message
