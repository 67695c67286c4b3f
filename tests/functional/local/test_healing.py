"""Every stored object is damaged in turn, in several ways; everything is repaired without a person.

Real: PostgreSQL, S3 on disk, collection, processing, the index, the routes. The encoder is a fake.
"""

import json
import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.service import Collector
from lambdas.collection.sweep import sweep
from lambdas.inference.api import create_app as create_inference
from lambdas.inference.dependencies import Dependencies as InferenceDependencies
from lambdas.processing.dependencies import Model
from lambdas.processing.healing import heal
from lambdas.processing.service import Processor
from lambdas.processing.shard_repair import Shards
from lambdas.retrieval.api import create_app as create_retrieval
from lambdas.retrieval.dependencies import Dependencies as RetrievalDependencies
from shared.index.build import build_index
from shared.schemas.messages import ProcessShard
from shared.serving import snapshots
from shared.serving.state import ServingState
from shared.storage import artefacts, layout, quarantine, refresh, registry
from shared.storage.objects import S3Store
from tests.damage import DAMAGES
from tests.fakes.dependencies import collection_dependencies, processing_dependencies
from tests.fakes.encoder import WordEncoder
from tests.fakes.queues import MemoryQueue
from tests.models import stub_model

pytestmark = pytest.mark.timeout(600)
MODEL, EARLIER, DIMENSION = "tiny-2", "tiny-1", 8
REVIEWS, SHARD_ROWS = 30, 20
TURNS = 2
"""Each object is damaged in so many of the five ways; all five occur in each turn."""
QUERIES = ("a lovely thing", "a bad thing, number 7")
FIGURES = ("SELECT * FROM product_totals ORDER BY 1", "SELECT * FROM segment_totals ORDER BY 1, 2")
CONTENT = (
    "SELECT review_id, ingest_id, record, text FROM reviews ORDER BY 1",
    "SELECT review_id, model_version, sentiment, confidence FROM analyses ORDER BY 1, 2",
    "SELECT ingest_id, part, accepted, rejected, rows, key, model_version FROM shards ORDER BY 2",
    "SELECT ingest_id, record, reason FROM rejects ORDER BY 2",
    "SELECT ingest_id, status, error_code FROM ingests ORDER BY 1",
)


class ServingEncoder(WordEncoder):
    """The fake encoder behind the routes; its version's files are fetched and verified."""

    def __init__(self, fetched):
        super().__init__(DIMENSION)
        self.version = fetched.manifest.version

    def encode(self, texts):
        encoded = super().encode(texts)
        return SimpleNamespace(**encoded._asdict(), truncated=[False] * len(texts))


def open_version(store, version, cache_dir, **_threads):
    return ServingEncoder(artefacts.fetch(store, "model", version, cache_dir))


def model_folder(parent, version, day):
    """A model folder with two files whose manifest has the encoder's dimension."""
    folder = stub_model(parent, version, day=day, body=version.encode() * 50)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"dimension": DIMENSION}))
    return folder


class World:
    """All parts of the system, with what it answers."""

    def __init__(self, aws, database, folder):
        self.aws, self.database, self.folder = aws, database, folder
        for bucket in ("raw", "clean", "artefacts"):
            aws.s3.create_bucket(Bucket=bucket)
        self.raw, self.clean, self.artefacts = (
            S3Store(aws.s3, bucket) for bucket in ("raw", "clean", "artefacts")
        )
        queues = {f"{name}_queue": MemoryQueue() for name in ("collection", "processing", "index")}
        shared = {"clean": self.clean, "artefacts": self.artefacts, **queues}
        self.queues = SimpleNamespace(**queues)
        self.collection = collection_dependencies(
            database, raw=self.raw, batch_rows=SHARD_ROWS, **shared
        )
        del shared["collection_queue"]
        encoder = WordEncoder(DIMENSION)
        self.processing = processing_dependencies(
            database, lambda: Model(encoder, self.model), **shared
        )
        self.processing = replace(self.processing, cache_dir=folder / "cache")
        self.starts = 0
        self.retrieval = TestClient(
            create_retrieval(
                lambda: RetrievalDependencies(self.state, self.artefacts, queues["index_queue"])
            )
        )
        self.inference = TestClient(create_inference(lambda: InferenceDependencies(self.state)))

    @property
    def model(self):
        return artefacts.current_version(self.artefacts, "model") or MODEL

    def publish_models(self):
        for day, version in enumerate((EARLIER, MODEL)):
            registry.register(self.artefacts, model_folder(self.folder, version, day))
            pointer = artefacts.current(self.artefacts, "model")
            etag = pointer.etag if pointer else None
            artefacts.move_pointer(self.artefacts, "model", version, if_match=etag)
            registry.record_activation(self.artefacts, version)
            artefacts.fetch(self.artefacts, "model", version, self.folder / "cache")

    def collect(self, reviews):
        lines = [json.dumps(review) for review in reviews]
        self.raw.put("uploads/reviews.jsonl", "\n".join([*lines, "no json"]).encode())
        self.work()

    def work(self):
        """Sweep, then handle messages until there are none."""
        sweep(self.collection, force=True)
        while True:
            queues = vars(self.queues).values()
            bodies = [queue.take() for queue in queues]
            if not any(bodies):
                return
            for body in bodies[0]:
                for arrival in parse_arrivals(body):
                    Collector(self.collection).collect(arrival)
            for body in bodies[1]:
                Processor(self.processing).process(ProcessShard.model_validate_json(body))
            if bodies[2]:
                build_index(self.artefacts)

    def heal(self):
        """Check and work until nothing is damaged."""
        for _ in range(4):
            if not heal(self.processing):
                return
            self.work()
        damaged = [record.reason for record in quarantine.open_records(self.artefacts)]
        assert damaged == []

    def start(self):
        """The serving state of services that have just started, with an empty cache."""
        self.starts += 1
        return ServingState(
            self.artefacts, self.folder / f"serving-{self.starts}", refresh_seconds=3600.0
        )

    def ask(self, state):
        """Answers of both routes and their warnings; an answer of 503 is None."""
        self.state = state
        answers, warnings = [], []
        for query in QUERIES:
            for http, path in ((self.retrieval, "/search_similar"), (self.inference, "/analyze")):
                response = http.post(path, json={"query_text": query, "top_k": 5})
                assert response.status_code in (200, 503), response.text
                body = response.json()
                warnings += body.pop("warnings", [])
                body.pop("index_version", None)
                answers.append(body if response.status_code == 200 else None)
        return answers, warnings

    def health(self, state):
        self.state = state
        return self.retrieval.get("/health").json()

    def content(self, *queries):
        with self.database.transaction() as connection:
            return [connection.execute(query).fetchall() for query in queries]

    def healed(self):
        """Records of objects that were damaged and are whole again."""
        listed = list(self.artefacts.list(layout.HEALED_DAMAGES))
        return [json.loads(self.artefacts.get(info.key)[0]) for info in listed]

    def counts(self):
        (report,) = self.collection.ledger.recent(10)
        assert report.rows_read == report.stored + report.duplicates + report.rejected
        return report.rows_read, report.stored, report.duplicates, report.rejected

    def derived(self):
        """Role of each stored object that is derived from another one: its store and key."""
        keys = {info.key: (self.clean, info.key) for info in self.clean.list("reviews/")}
        for info in self.artefacts.list(""):
            if not info.key.startswith(layout.QUARANTINE):
                parts = info.key.split("/")
                role = f"index {parts[2]}" if parts[0] == "indexes" and len(parts) > 2 else info.key
                keys[role] = (self.artefacts, info.key)
        return keys

    def damage(self, store, key, kind, rng):
        record = self.aws.records(store.bucket)[key]
        DAMAGES[kind].apply(self.aws.root / store.bucket / "data" / record["blob"], rng)


def reviews():
    kinds = ("lovely", "bad", "fine")
    return [
        {
            "rating": float(number % 5 + 1),
            "text": f"This is a {kinds[number % 3]} thing, number {number}.",
            "parent_asin": f"B{number % 7:09d}",
            "user_id": f"U{number}",
            "timestamp": 1_600_000_000_000 + number * 60_000,
        }
        for number in range(REVIEWS)
    ]


@pytest.fixture
def world(aws, database, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "open_version", open_version)
    monkeypatch.setattr(refresh, "_RETRY_SECONDS", 0.0)
    made = World(aws, database, tmp_path)
    made.publish_models()
    made.collect(reviews())
    heal(made.processing)
    return made


def test_everything_is_whole_at_first(world):
    assert world.counts() == (REVIEWS + 1, REVIEWS, 0, 1)
    assert quarantine.open_records(world.artefacts) == []
    roles = {role.rpartition("/")[2] for role in world.derived()}
    assert roles >= {
        *("part-00000.npy", "part-00000.parquet", "model.onnx", "manifest.json"),
        *("index index.faiss", "index rows.sqlite", "index shards.json", "index manifest.json"),
        *("model.json", "index.json", "00000001.json"),
    }
    answers, warnings = world.ask(world.start())
    assert None not in answers
    assert warnings == []


def test_a_shard_that_was_read_again_during_a_check_is_not_damaged(world):
    shards = Shards.load(world.processing, MODEL, DIMENSION)
    shards.check(replace(shards.shards[0], rows=SHARD_ROWS + 1))
    assert quarantine.open_records(world.artefacts) == []
    assert vars(world.queues)["processing_queue"].take() == []


@pytest.mark.parametrize("turn", range(TURNS))
def test_any_damage_is_reported_and_repaired(world, turn):
    rng = random.Random(f"healing {turn}")
    running = world.start()
    expected, _ = world.ask(running)
    content, figures, counts = world.content(*CONTENT), world.content(*FIGURES), world.counts()
    for number, role in enumerate(sorted(world.derived())):
        kind = sorted(DAMAGES)[(number + 2 * turn) % len(DAMAGES)]
        store, key = world.derived()[role]
        world.damage(store, key, kind, rng)
        case = f"{role} {kind}"

        running.refresh()
        answers, _ = world.ask(running)
        assert answers == expected, case
        fresh = world.start()
        answers, warnings = world.ask(fresh)
        assert warnings or all(a in (None, e) for a, e in zip(answers, expected, strict=True)), case

        if heal(world.processing):
            health = world.health(fresh)
            assert health["status"] != "ok", case
            assert key in health["checks"]["stored_objects"]["detail"], case
            world.work()
            world.heal()
        else:
            assert key in {record["key"] for record in world.healed()}, case

        for state in (running, fresh):
            state.refresh()
            assert world.ask(state) == (expected, []), case
        assert world.content(*CONTENT) == content, case
        assert world.content(*FIGURES) == figures, case
        assert world.counts() == counts, case
        assert world.health(fresh)["status"] == "ok", case
