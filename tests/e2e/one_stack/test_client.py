"""Both clients and the remote half of the command line against a real stack."""

import gzip
import json
import os
import re
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from reviewlens import MissingRouteError, NotFoundError, RequestRejectedError
from tests.clients import KINDS, client_of
from tests.e2e.stack import COMMAND, wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = {
    f"{name}, example {number}": block
    for name in ("README.md", "docs/client.md")
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL), start=1
    )
}
DUMP = (
    json.dumps({"reviewText": "The kettle whistles in tune.", "overall": 5, "asin": "P7"})
    + "\n"
    + json.dumps({"reviewText": "", "overall": 5, "asin": "P7"})
    + "\n"
)


@pytest.fixture(params=KINDS)
def client(request, stack, samples):
    with client_of(request.param, stack.running.gateway_url, timeout=180) as made:
        yield made


def test_texts_are_analysed_and_searched(client):
    assert client.analyze("It broke at once, awful.", top_k=2).sentiment == "negative"
    assert len(client.analyze_batch(["Lovely.", "Awful."]).results) == 2
    answer = client.search("hinge", top_k=4, filters={"product_id": "RL-AUD-01"})
    assert {result.product_id for result in answer.results} == {"RL-AUD-01"}
    (vector,) = client.embeddings(["Lovely."]).embeddings
    assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-3)


def test_pages_contain_each_item_once(client):
    ids = [product.product_id for product in client.products(limit=3)]
    assert len(ids) == len(set(ids)) > 3
    reviews = list(client.reviews(product_id="RL-AUD-01", limit=40))
    assert len({review.review_id for review in reviews}) == len(reviews)
    assert len(reviews) == client.product("RL-AUD-01").reviews
    assert all(group.reviews > 1 for group in client.duplicates(limit=1))


def test_figures_lead_to_their_reviews(client):
    trend = client.trends(product_id="RL-AUD-01", interval="month")
    assert sum(point.reviews for point in trend.points) + trend.totals.undated == (
        trend.totals.reviews
    )
    negative = list(client.linked_reviews(trend.change.reviews_link))
    assert negative
    assert {review.sentiment for review in negative} == {"negative"}
    assert client.movers(direction="worse").movers[0].product_id == "RL-AUD-01"
    assert client.segments("source").segments
    assert client.aspects(product_id="RL-AUD-01").aspects
    assert client.drift(days=3650).model_version


def test_health_and_trainings(client):
    health = client.health()
    assert set(health.services) >= {"collection", "insights", "training"}
    assert client.service_health("inference").model_version == health.model_version
    with pytest.raises(NotFoundError):
        client.training("train_20200101_001")
    with pytest.raises(NotFoundError):
        client.cancel_training("train_20200101_001")
    with pytest.raises(RequestRejectedError) as caught:
        client.train(epochs=99)
    assert [error.field for error in caught.value.errors] == ["epochs"]


def test_errors_are_typed(client):
    with pytest.raises(NotFoundError, match="product not found"):
        client.product("no/such?product")
    with pytest.raises(NotFoundError):
        client.ingest("ing_none")
    with pytest.raises(MissingRouteError):
        client.service_health("billing")
    with pytest.raises(RequestRejectedError, match="query_text"):
        client.analyze(" ")


def test_an_upload_is_processed_and_its_rejects_can_be_read(client, tmp_path):
    path = tmp_path / "kettles.jsonl.gz"
    path.write_bytes(gzip.compress(DUMP.encode()))
    sent = []
    key = client.upload(path, progress=sent.append)
    assert sent[-1] == path.stat().st_size

    def finished():
        ingests = client.ingests(key=key).ingests
        return ingests and ingests[0].status.is_final and ingests[0]

    ingest = wait_until(finished, what=key)
    assert (ingest.status, ingest.rows_read, ingest.rejected) == (
        "processed_with_warnings",
        2,
        1,
    )
    assert ingest.details["too_many_rejects"]["share"] == 0.5
    (reject,) = client.rejects(ingest.ingest_id)
    assert reject.reason == "text_missing"
    assert client.ingest(ingest.ingest_id).rejects == [reject]
    assert client.process(ingest.ingest_id).shards == 0
    assert client.collect(prefix=key).objects == 0
    assert client.build_index().message


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_the_documentation_run(stack, samples, tmp_path, monkeypatch, name):
    (tmp_path / "reviews.jsonl.gz").write_bytes(gzip.compress(DUMP.encode()))
    monkeypatch.chdir(tmp_path)
    code = EXAMPLES[name].replace("http://127.0.0.1:8080", stack.running.gateway_url)
    exec(compile(code, name, "exec"), {"__name__": "__main__"})


def test_the_documentation_has_examples():
    assert len(EXAMPLES) >= 7


# the command line over an API


@pytest.fixture
def remote(stack, samples, tmp_path):
    """``remote(command, …)``: over the stack's API, and without a stack of its own."""

    def run(*arguments, expect=0):
        environment = os.environ | {"REVIEWLENS_API_URL": stack.running.gateway_url}
        command = [COMMAND, *arguments, "--state", str(tmp_path / "none")]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=560, env=environment
        )
        assert done.returncode == expect, f"{arguments}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run


def test_commands_answer_over_an_api(remote, tmp_path):
    assert "negative" in remote("analyze", "It broke at once, awful.").stdout
    results = json.loads(remote("search", "hinge", "--top-k", "2", "--json").stdout)["results"]
    assert len(results) == 2
    status = json.loads(remote("status", "--json").stdout)
    assert status["health"]["status"] == "ok"
    assert "queues" not in status
    assert "retrieval" in remote("status").stdout
    report = json.loads(
        remote("report", "-o", str(tmp_path / "all.html"), "--category", "Audio", "--json").stdout
    )
    assert report["bytes"] > 10_000
    assert "epochs" in remote("train", "--epochs", "99", expect=2).stderr


def test_ingest_uploads_over_an_api(remote, tmp_path):
    dump = tmp_path / "own.csv"
    dump.write_text("Opinion,Grade\nThe teacup sings when it is full.,4\nNULL,5\n")
    arguments = ("ingest", str(dump), "--map", "text=Opinion,rating=Grade")
    (ingest,) = json.loads(remote(*arguments, "--json", expect=3).stdout)["ingests"]
    assert (ingest["status"], ingest["stored"], ingest["rejected"]) == (
        "processed_with_warnings",
        1,
        1,
    )
    queued = json.loads(remote(*arguments, "--no-wait", "--json").stdout)["ingests"]
    assert [each["status"] for each in queued] == ["queued"]
    assert "1 rejected as text_missing" in remote(*arguments, expect=3).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest", "s3://bucket/x"), "only with a stack on this machine"),
        (("ingest", __file__, "--prefix", "x"), "--prefix works only"),
        (("ingest", "/no/such/file"), "does not exist"),
        (("ingest", __file__, "--map", "txt=a"), "helpful_votes"),
        (("search", "x", "--sentiment", "angry"), "filters.sentiment"),
    ],
)
def test_wrong_input_over_an_api_is_one_line(remote, arguments, words):
    assert words in remote(*arguments, expect=2).stderr


def test_an_api_that_does_not_answer_is_one_line(remote):
    message = remote("analyze", "x", "--api-url", "http://127.0.0.1:1", expect=1).stderr
    assert "The API at http://127.0.0.1:1 does not answer" in " ".join(message.split())


def test_islice_stops_requests_early(client):
    assert len(list(islice(client.reviews(limit=5), 7))) == 7
