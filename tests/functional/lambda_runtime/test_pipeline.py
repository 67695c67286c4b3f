"""A dump goes through all functions, each in the runtime client that Lambda's images have."""

import json

import psycopg
import pytest

from shared.db.connection import connection_arguments
from shared.db.migrations import head
from shared.db.roles import RIGHTS
from tests.functional.lambda_runtime.conftest import event, s3_notification, sqs_event

TEXTS = (
    ("The battery died after a week and nobody answers.", 1.0),
    ("The kettle leaks at the lid, I sent it back.", 1.0),
    ("It works, no more and no less.", 3.0),
    ("A wonderful kettle: quick, quiet and easy to clean.", 5.0),
    ("The lamp is bright and my best buy of the year.", 5.0),
)


def dump():
    rows = [
        {
            "rating": rating,
            "title": f"Title {number}",
            "text": text,
            "asin": f"B{number:09d}",
            "parent_asin": f"B{number:09d}",
            "user_id": f"U{number}",
            "timestamp": 1_600_000_000_000 + number * 60_000,
        }
        for number, (text, rating) in enumerate(TEXTS)
    ]
    return "".join(json.dumps(row) + "\n" for row in [*rows, {**rows[0], "text": None}])


@pytest.fixture(scope="module")
def collected(cloud, postgres):
    """The dump lies in the bucket; collection is told of it twice, and of nothing in between."""
    with psycopg.connect(**connection_arguments(postgres.secret)) as owner:
        owner.execute(f"TRUNCATE {', '.join(RIGHTS)}")
    raw = cloud.store("RAW")
    put = raw.put("uploads/spring 2026/café.jsonl", dump().encode())
    told = s3_notification(raw.bucket, "uploads/spring+2026/caf%C3%A9.jsonl", put.etag)
    batch = sqs_event(json.dumps(told), "this is no notification", json.dumps(told))
    return cloud.function("collection").invoke(batch)


@pytest.fixture(scope="module")
def processed(cloud, collected):
    bodies = cloud.messages("PROCESSING")
    answer = cloud.function("processing").invoke(sqs_event(*bodies, '{"type": "unheard of"}'))
    return bodies, answer


@pytest.fixture(scope="module")
def indexed(cloud, processed):
    return cloud.function("retrieval").invoke(sqs_event(*cloud.messages("INDEX")))


def test_an_s3_event_is_collected_and_only_the_message_that_failed_comes_again(cloud, collected):
    assert collected.kind == "response"
    assert collected.body == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert cloud.rows("SELECT count(*) FROM reviews") == [(len(TEXTS),)]
    assert cloud.rows("SELECT count(*) FROM rejects") == [(1,)]


def test_the_clean_shard_is_processed_and_its_analyses_are_stored(cloud, processed):
    bodies, answer = processed
    assert len(bodies) == 1
    assert answer.body == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    told = cloud.rows(
        "SELECT r.rating, a.sentiment FROM reviews r JOIN analyses a USING (review_id)"
        " WHERE r.rating <> 3 ORDER BY 1"
    )
    assert [sentiment for _, sentiment in told] == ["negative"] * 2 + ["positive"] * 2


def test_the_index_is_built_and_the_same_process_then_searches_it(cloud, indexed):
    assert indexed.body == {"batchItemFailures": []}
    asked = event("rest_search_similar", body=json.dumps({"query_text": "leaking kettle"}))
    answer = cloud.function("retrieval").invoke(asked)
    told = json.loads(answer.body["body"])
    assert answer.body["statusCode"] == 200
    assert told["results"][0]["review_text"] == TEXTS[1][0]


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_insights_tell_of_what_was_collected(cloud, indexed, kind):
    answer = cloud.function("insights").invoke(event(f"{kind}_products"))
    products = json.loads(answer.body["body"])["products"]
    assert sorted(product["product_id"] for product in products) == [
        f"B{number:09d}" for number in range(len(TEXTS))
    ]


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_collection_and_processing_answer_over_http_as_well(cloud, indexed, kind):
    listed = cloud.function("collection").invoke(event(f"{kind}_collect_list"))
    report = json.loads(listed.body["body"])["ingests"][0]
    assert (report["rows_read"], report["stored"], report["rejected"]) == (6, 5, 1)
    embedded = cloud.function("processing").invoke(event(f"{kind}_embeddings"))
    assert embedded.body["statusCode"] == 200


def test_training_names_the_setting_that_it_misses(cloud):
    answer = cloud.function("training").invoke(event("rest_train"))
    told = json.loads(answer.body["body"])
    assert answer.body["statusCode"] == 503
    assert "REVIEWLENS_TRAINING_IMAGE_URI" in told["detail"]


def test_migrations_find_the_database_at_their_newest_revision(cloud, postgres):
    owner = cloud._secret(dict(postgres.secret))
    function = cloud.cold("migrations", REVIEWLENS_DATABASE_SECRET_ID=owner)
    assert function.invoke({}).body == {"revision": head()}
