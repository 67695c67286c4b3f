"""A dump passes through all functions, each in the runtime client of Lambda's images."""

import io
import json

import pyarrow.parquet as pq
import pytest

from shared.db.migrations import head_revision
from shared.schemas.events import IngestFinished
from shared.schemas.messages import UndoIngest
from tests.functional.lambda_runtime.conftest import event, s3_notification, sqs_event

TEXTS = (
    ("The battery died after a week and nobody answers.", 1.0),
    ("The kettle leaks at the lid, I sent it back.", 1.0),
    ("It works, no more and no less.", 3.0),
    ("A wonderful kettle: quick, quiet and easy to clean.", 5.0),
    ("The lamp is bright and my best buy of the year.", 5.0),
)
EVENT_PATTERN = {"source": ["reviewlens.prod"], "detail": {"status": ["processed"]}}


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
    """The outcome of collection for a dump: two notifications around an invalid message."""
    cloud.clear(postgres.secret)
    raw = cloud.store("RAW")
    cloud.client("s3").put_bucket_versioning(
        Bucket=raw.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    cloud.subscribe(EVENT_PATTERN)
    put = raw.put("uploads/spring 2026/café.jsonl", dump().encode())
    notification = s3_notification(raw.bucket, "uploads/spring+2026/caf%C3%A9.jsonl", put.etag)
    batch = sqs_event(json.dumps(notification), "not a notification", json.dumps(notification))
    return cloud.function("collection").invoke(batch)


@pytest.fixture(scope="module")
def processed(cloud, collected):
    bodies = cloud.messages("PROCESSING")
    outcome = cloud.function("processing").invoke(sqs_event(*bodies, '{"type": "unknown"}'))
    return bodies, outcome


@pytest.fixture(scope="module")
def indexed(cloud, processed):
    return cloud.function("retrieval").invoke(sqs_event(*cloud.messages("INDEX")))


def test_an_s3_event_is_collected_and_only_the_invalid_message_fails(cloud, collected):
    assert collected.kind == "response"
    assert collected.body == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert cloud.rows("SELECT count(*) FROM reviews") == [(len(TEXTS),)]
    assert cloud.rows("SELECT count(*) FROM rejects") == [(1,)]


def test_the_clean_shard_is_processed_and_its_analyses_are_stored(cloud, processed):
    bodies, outcome = processed
    assert len(bodies) == 1
    assert outcome.body == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    sentiments = cloud.rows(
        "SELECT r.rating, a.sentiment FROM reviews r JOIN analyses a USING (review_id)"
        " WHERE r.rating <> 3 ORDER BY 1"
    )
    assert [sentiment for _, sentiment in sentiments] == ["negative"] * 2 + ["positive"] * 2


def test_the_end_of_the_ingest_is_one_event_that_a_rule_matches(cloud, processed):
    bodies, _ = processed
    cloud.function("processing").invoke(sqs_event(*bodies))
    (message,) = cloud.messages("EVENTS")
    event = json.loads(message)
    assert (event["source"], event["detail-type"]) == ("reviewlens.prod", "Ingest Finished")
    finished = IngestFinished.model_validate(event["detail"])
    assert (finished.status, finished.stored, finished.rejected) == ("processed", len(TEXTS), 1)
    assert finished.key == "uploads/spring 2026/café.jsonl"


def test_the_process_that_built_the_index_searches_it(cloud, indexed):
    assert indexed.body == {"batchItemFailures": []}
    search = event("rest_search_similar", body=json.dumps({"query_text": "leaking kettle"}))
    outcome = cloud.function("retrieval").invoke(search)
    body = json.loads(outcome.body["body"])
    assert outcome.body["statusCode"] == 200
    assert body["results"][0]["review_text"] == TEXTS[1][0]


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_insights_lists_the_collected_products(cloud, indexed, kind):
    outcome = cloud.function("insights").invoke(event(f"{kind}_products"))
    products = json.loads(outcome.body["body"])["products"]
    assert sorted(product["product_id"] for product in products) == [
        f"B{number:09d}" for number in range(len(TEXTS))
    ]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://shop.example.org", "https://shop.example.org"), ("https://evil.example", None)],
)
def test_scripts_of_a_listed_page_may_read_the_answer(cloud, indexed, origin, allowed):
    asked = event("rest_products")
    for name in ("headers", "multiValueHeaders"):
        asked[name] = {**asked[name], "Origin": [origin] if name != "headers" else origin}
    outcome = cloud.function("insights").invoke(asked)
    headers = {**outcome.body.get("headers", {}), **outcome.body.get("multiValueHeaders", {})}
    value = headers.get("access-control-allow-origin")
    assert (value[0] if isinstance(value, list) else value) == allowed


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_collection_answers_over_http(cloud, indexed, kind):
    ingests = cloud.function("collection").invoke(event(f"{kind}_collect_list"))
    report = json.loads(ingests.body["body"])["ingests"][0]
    assert (report["rows_read"], report["stored"], report["rejected"]) == (6, 5, 1)


def test_training_names_a_missing_setting(cloud):
    outcome = cloud.function("training").invoke(event("rest_train"))
    body = json.loads(outcome.body["body"])
    assert outcome.body["statusCode"] == 503
    assert "REVIEWLENS_TRAINING_IMAGE_URI" in body["detail"]


def test_migrations_report_the_newest_revision(cloud, postgres):
    owner = cloud._secret(dict(postgres.secret))
    function = cloud.cold("migrations", REVIEWLENS_DATABASE_SECRET_ID=owner)
    assert function.invoke({}).body == {"revision": head_revision()}


def places_of(cloud, text):
    """Where a text is: in an object, in a version of an uploaded one, or in a table."""
    s3, found = cloud.client("s3"), set()
    for bucket in ("RAW", "CLEAN", "ARTEFACT"):
        name = cloud.variables[f"REVIEWLENS_{bucket}_BUCKET"]
        listed = s3.list_object_versions(Bucket=name).get("Versions", [])
        for entry in listed:
            place = {"Bucket": name, "Key": entry["Key"], "VersionId": entry["VersionId"]}
            body = s3.get_object(**place)["Body"].read()
            if body[:4] == b"PAR1":
                body = str(pq.read_table(io.BytesIO(body)).to_pydict()).encode()
            if text.encode() in body:
                found.add(bucket)
    tables = cloud.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
    )
    for (table,) in tables:
        if cloud.rows(f"SELECT FROM {table} AS t WHERE t::text LIKE %s LIMIT 1", f"%{text}%"):
            found.add(table)
    return found


def test_an_undone_upload_is_found_nowhere_also_after_a_late_event(cloud, indexed, collected):
    ((ingest_id, key, etag),) = cloud.rows("SELECT ingest_id, key, etag FROM ingests")
    text, collection = TEXTS[1][0], cloud.function("collection")
    assert {"RAW", "CLEAN", "ARTEFACT", "reviews"} <= places_of(cloud, text)
    path = f"/collect/{ingest_id}"
    outcome = collection.invoke(event("rest_collect_list", path=path, httpMethod="DELETE"))
    assert outcome.body["statusCode"] == 202
    waiting = collection.invoke(sqs_event(*cloud.messages("COLLECTION")))
    assert waiting.body == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    built = cloud.function("retrieval").invoke(sqs_event(*cloud.messages("INDEX")))
    assert built.body == {"batchItemFailures": []}
    again = UndoIngest(ingest_id=ingest_id).model_dump_json()
    late = json.dumps(s3_notification(cloud.variables["REVIEWLENS_RAW_BUCKET"], key, etag))
    done = collection.invoke(sqs_event(again, again, late))
    assert done.body == {"batchItemFailures": []}
    assert places_of(cloud, text) == set()
    ((status, removed),) = cloud.rows("SELECT status, undo -> 'removed' FROM ingests")
    assert (status, removed["rows"], removed["raw_versions"]) == ("undone", len(TEXTS), 1)
    assert cloud.rows("SELECT count(*) FROM products") == [(0,)]
