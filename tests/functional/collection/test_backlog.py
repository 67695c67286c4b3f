"""GET /health of collection shows the work that is not finished."""

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.api import create_app


@pytest.fixture
def health(world):
    http = TestClient(create_app(lambda: world.dependencies))
    return lambda: http.get("/health").json()


@pytest.fixture
def change(world):
    """Run a statement, as processing or the time would."""

    def run(statement):
        with world.dependencies.database.transaction() as connection:
            connection.execute(statement)

    return run


def counts(health):
    return tuple(health["backlog"][name] for name in ("reviews", "shards", "ingests"))


def test_without_uploads_there_is_no_backlog(health):
    assert counts(health()) == (0, 0, 0)
    assert health()["backlog"]["oldest_ingest_at"] is None


def test_stored_reviews_are_counted_until_they_are_analysed(
    world, health, change, make_dump, make_review
):
    world.collect("uploads/a.jsonl", make_dump([make_review(n) for n in range(120)]))
    world.collect("uploads/b.jsonl", make_dump([make_review(n) for n in range(200, 210)]))
    answer = health()
    assert counts(answer) == (130, 4, 2)
    assert answer["backlog"]["oldest_ingest_at"] <= answer["backlog"]["progress_at"]
    assert answer["status"] == "ok"
    change("UPDATE shards SET model_version = 'm'")
    change("UPDATE ingests SET status = 'processed'")
    assert counts(health()) == (0, 0, 0)
    change("UPDATE shards SET model_version = NULL")  # as an upgrade does
    assert counts(health()) == (130, 4, 2)


def test_work_without_progress_needs_a_person(world, health, change, make_dump, make_review):
    world.collect("uploads/a.jsonl", make_dump([make_review(1)]))
    for table in ("shards", "ingests"):
        change(f"UPDATE {table} SET updated_at = now() - interval '2 hours'")
    answer = health()
    assert answer["status"] == "degraded"
    detail = answer["checks"]["backlog"]["detail"]
    assert detail.startswith("1 ingests with 1 reviews have made no progress since ")
