"""From a dump to analyses through both handlers, with the shipped model."""

import gzip
import io
import json

import numpy as np
import pytest

from lambdas.collection import dependencies as collection
from lambdas.collection.handler import handler as collect
from lambdas.processing import dependencies as processing
from lambdas.processing.handler import handler as process
from shared.schemas.messages import BuildIndex
from shared.storage import artefacts, layout
from shared.storage.objects import S3Store
from tests.models import model_folder

REVIEWS = {
    "I love it, the best purchase I have made this year!": "positive",
    "Broke after two days and the seller never answered. Terrible, avoid.": "negative",
    "Wonderful sound, great battery, very happy with it.": "positive",
    "Complete waste of money, it does not work at all.": "negative",
}


@pytest.fixture
def published(function_environment, aws_client):
    """Manifest of the shipped model, which is published and current."""
    store = S3Store(aws_client("s3"), function_environment["REVIEWLENS_ARTEFACT_BUCKET"])
    local = artefacts.read_folder(model_folder(), kind="model")
    artefacts.publish(store, local.folder, local.manifest)
    artefacts.move_pointer(store, "model", local.manifest.version, if_match=None)
    for module in (collection, processing):
        module.build_dependencies.cache_clear()
    yield local.manifest
    collection.build_dependencies().database.close()
    processing.build_dependencies().database.close()
    for module in (collection, processing):
        module.build_dependencies.cache_clear()


def receive(sqs, url):
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [
        {"messageId": m["MessageId"], "body": m["Body"], "eventSource": "aws:sqs"} for m in messages
    ]


def test_a_dump_becomes_embeddings_and_sentiment(published, function_environment, aws_client, rows):
    environment = function_environment
    s3, sqs = aws_client("s3"), aws_client("sqs")
    lines = [json.dumps({"text": text, "rating": 3.0, "asin": "B1"}) for text in REVIEWS]
    s3.put_object(
        Bucket=environment["REVIEWLENS_RAW_BUCKET"],
        Key="uploads/a.jsonl.gz",
        Body=gzip.compress("\n".join(lines).encode()),
    )
    collect({"source": "aws.events", "detail": {}}, None)
    notifications = receive(sqs, environment["REVIEWLENS_COLLECTION_QUEUE_URL"])
    assert collect({"Records": notifications}, None) == {"batchItemFailures": []}
    shards = receive(sqs, environment["REVIEWLENS_PROCESSING_QUEUE_URL"])
    assert process({"Records": shards}, None) == {"batchItemFailures": []}

    assert dict(rows("SELECT text, sentiment FROM reviews JOIN analyses USING (review_id)")) == (
        REVIEWS
    )
    ((ingest_id, status),) = rows("SELECT ingest_id, status FROM ingests")
    assert status == "processed"
    key = layout.embedding_shard(published.version, ingest_id, 0)
    body = s3.get_object(Bucket=environment["REVIEWLENS_ARTEFACT_BUCKET"], Key=key)["Body"].read()
    vectors = np.load(io.BytesIO(body))
    assert vectors.shape == (4, published.dimension)
    assert np.linalg.norm(vectors.astype(np.float32), axis=1) == pytest.approx(1, abs=0.01)
    (build,) = receive(sqs, environment["REVIEWLENS_INDEX_QUEUE_URL"])
    assert BuildIndex.model_validate_json(build["body"])
