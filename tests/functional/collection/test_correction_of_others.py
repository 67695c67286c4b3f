"""After a correction, everything is as if each object had been read that way from the start."""

import contextlib
import csv
import io
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.queueing import queue_object
from lambdas.collection.sweep import sweep
from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies as InsightsDependencies
from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.db import text_figures
from shared.db.insights import rollups
from shared.errors import UnavailableError
from shared.index.build import build_index
from shared.index.reader import IndexReader
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import ProcessShard
from shared.storage import artefacts
from tests.corpus import publish_manifest_only
from tests.fakes.dependencies import processing_dependencies
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue

DIMENSION = 8
FIELDS = {"source": "shop", "rating": "grade", "product_id": "sku", "reviewer": "user"}
WRONG = {"text": "heading", "product_title": "user", **FIELDS}
RIGHT = {"text": "opinion", "product_title": "item", "brand": "maker", **FIELDS}
KEYS = ("uploads/a.csv", "uploads/b.csv", "uploads/c.csv")
LONG = "the battery died after two days and the strap broke, a bad thing indeed, it was so sad"


def as_csv(rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def shop_row(number, **values):
    return {
        "heading": f"a fine thing, heading {number}",
        "opinion": f"a lovely thing, opinion {number}" if number % 9 else LONG,
        "grade": number % 5 + 1,
        "sku": f"P{number % 4}",
        "user": f"U{number}",
        "item": f"Item {number % 4}",
        "maker": f"Maker {number % 4}" if number % 3 else "",
        **values,
    }


def dumps():
    """What the first object was read from wrongly and rightly, others have as well."""
    first = [shop_row(number) for number in range(120)]
    # what the wrong reading of the first stores, and what the right one does not
    second = [shop_row(n, opinion=f"a fine thing, heading {n}") for n in range(40, 90)]
    second += [shop_row(n) for n in range(110, 140)]
    third = second[20:45] + [shop_row(n, item="") for n in range(130, 150)]
    return dict(zip(KEYS, map(as_csv, (first, second, third)), strict=True))


class Stack:
    """Collects, processes and indexes as the workers do."""

    def __init__(self, world):
        stores = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")}
        queues = {f"{name}_queue": MemoryQueue() for name in ("collection", "processing", "index")}
        self.world = world.replace(**stores, **queues, batch_rows=16)
        self.stores = stores
        publish_manifest_only(stores["artefacts"], "m1", DIMENSION)
        self.encoder = WordEncoder(DIMENSION)
        self.processor = Processor(
            processing_dependencies(
                world.dependencies.database,
                lambda: Model(self.encoder, "m1"),
                clean=stores["clean"],
                artefacts=stores["artefacts"],
            )
        )

    def read(self, key, mapping, body=None):
        self.world.raw.put(f"{key}.mapping.json", json.dumps(mapping).encode())
        self.world.collector.collect(self.world.put(key, body or dumps()[key]))

    def correct(self, key=KEYS[0], mapping=RIGHT):
        queue_object(self.world.dependencies, key, mapping)

    def collect(self, *, twice=False):
        """Collect until no message is left."""
        while bodies := self.world.dependencies.collection_queue.take():
            for arrival in parse_arrivals_of(bodies):
                for _ in range(2 if twice else 1):
                    self.world.collector.collect(arrival)

    def finish(self):
        """Collect, process and index everything that is queued."""
        self.collect()
        for body in self.world.dependencies.processing_queue.take():
            self.processor.process(ProcessShard.model_validate_json(body))
        report = build_index(self.stores["artefacts"])
        assert report.outcome in ("published", "unchanged")
        for figures in (rollups, text_figures):
            assert figures.refresh(self.world.dependencies.database)

    def reports(self):
        return self.world.dependencies.ledger.recent(10)


@contextlib.contextmanager
def stopped(stack, *, after):
    """Stop the collector at its n-th write of a shard or message, as a kill would."""
    writes = 0
    clean, queue = stack.stores["clean"], stack.world.dependencies.collection_queue

    def counted(write):
        def count(*arguments, **options):
            nonlocal writes
            writes += 1
            if writes > after:
                raise UnavailableError("stopped")
            return write(*arguments, **options)

        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clean, "put", counted(clean.put))
        patch.setattr(clean, "delete", counted(clean.delete))
        patch.setattr(queue, "send", counted(queue.send))
        yield


def parse_arrivals_of(bodies):
    return [arrival for body in bodies for arrival in parse_arrivals(body)]


FIGURES = {
    "reviews": "SELECT review_id, text, rating, product_id FROM reviews",
    "analyses": "SELECT review_id, sentiment, language FROM analyses",
    "product_days": "SELECT t::text FROM product_days AS t",
    "segment_totals": "SELECT t::text FROM segment_totals AS t",
    "segment_days": "SELECT t::text FROM segment_days AS t",
    "arrivals": "SELECT t::text FROM arrivals AS t",
    "aspect_counts": "SELECT t::text FROM aspect_counts AS t",
    "duplicate_groups": "SELECT kind, reviews, reviewers, product_ids FROM duplicate_groups",
    "near_texts": "SELECT fingerprint FROM near_texts",
    "marks": "SELECT recheck_after FROM shards WHERE recheck_after IS NOT NULL",
}


def answers(stack, rows, folder):
    """Everything that users can see, of a stack that has nothing to do."""
    state = {name: sorted(map(repr, rows(query))) for name, query in FIGURES.items()}
    database, store = stack.world.dependencies.database, stack.stores["artefacts"]
    with TestClient(create_app(lambda: InsightsDependencies(database))) as http:
        paths = ("/products", "/segments", "/aspects", "/duplicates", "/reviews")
        state |= {path: http.get(path, params={"limit": 100}).json() for path in paths}
        for product in range(4):
            state[f"P{product}"] = http.get(f"/products/P{product}").json()
        for answer in state.values():
            if isinstance(answer, dict):
                answer.pop("freshness", None)
        state["U1"] = http.get("/products/U1").status_code
    version = artefacts.current(store, "index").version
    index = IndexReader(artefacts.fetch(store, "index", version, folder))
    query = np.asarray(stack.encoder.encode(["thing"]).embeddings[0], np.float32)
    hits = index.search(query, 1000)
    state["search"] = sorted((hit.row.review_id, hit.row.text, hit.row.brand) for hit in hits)
    fields = {"rows_read", "rejected", "status", "key"}  # which of several owns a row may differ
    state["ingests"] = sorted(repr(one.model_dump(include=fields)) for one in stack.reports())
    state["stored"] = sum(one.stored for one in stack.reports())
    return state


_KNOWN: dict = {}  # the same for all tests


@pytest.fixture
def expected(world, rows, empty_tables, tmp_path):
    """What a stack answers that reads the objects rightly from the start; leaves tables empty."""
    if not _KNOWN:
        stack = Stack(world)
        for key in KEYS:
            stack.read(key, RIGHT)
        stack.finish()
        _KNOWN.update(answers(stack, rows, tmp_path / "fresh"))
        empty_tables()
    return _KNOWN


def is_complete(reports):
    return all(one.rows_read == one.stored + one.duplicates + one.rejected for one in reports)


@pytest.mark.parametrize("order", [KEYS, KEYS[1:] + KEYS[:1]], ids=["first", "last"])
def test_a_correction_gives_what_reading_rightly_gives(world, rows, expected, tmp_path, order):
    stack = Stack(world)
    for key in order:
        stack.read(key, WRONG if key == KEYS[0] else RIGHT)
    stack.finish()
    assert sum(one.duplicates for one in stack.reports()) > 50
    stack.correct()
    stack.finish()
    assert is_complete(stack.reports())
    actual = answers(stack, rows, tmp_path / "corrected")
    for name, value in expected.items():
        assert actual[name] == value, name


@pytest.mark.parametrize("stops", [0, 4, 9, 12])
def test_a_correction_survives_a_kill_and_repeated_messages(world, rows, expected, tmp_path, stops):
    stack = Stack(world)
    for key in KEYS:
        stack.read(key, WRONG if key == KEYS[0] else RIGHT)
    stack.finish()
    stack.correct()
    with stopped(stack, after=stops), pytest.raises(UnavailableError):
        stack.collect()
    assert is_complete(stack.reports())
    stack.world.dependencies.collection_queue.take()  # what was queued is lost
    sweep(stack.world.dependencies, force=True)
    stack.collect(twice=True)
    stack.finish()
    actual = answers(stack, rows, tmp_path / "corrected")
    for name, value in expected.items():
        assert actual[name] == value, name


def test_two_ingests_with_duplicates_of_each_other_come_to_an_end(world, rows, assert_counts):
    stack = Stack(world)
    first, second = ([shop_row(n) for n in numbers] for numbers in (range(40), range(60)))
    stack.read(KEYS[0], WRONG, as_csv(first))
    stack.read(KEYS[1], WRONG, as_csv(second))
    for key in (KEYS[0], KEYS[1], KEYS[0]):
        for mapping in (RIGHT, WRONG):
            stack.correct(key, mapping)
            stack.collect(twice=True)
            for report in stack.reports():
                assert_counts(report)
    assert rows("SELECT count(*) FROM reviews") == [(60,)]


def test_an_object_that_is_gone_keeps_its_rows_and_says_what_it_lost(world, rows, assert_counts):
    stack = Stack(world)
    for key in KEYS[:2]:
        stack.read(key, WRONG if key == KEYS[0] else RIGHT)
    stack.finish()
    stack.world.raw.delete(KEYS[1])
    stack.correct()
    stack.finish()
    gone = assert_counts(stack.reports()[0])
    assert (gone.key, gone.status) == (KEYS[1], IngestStatus.PROCESSED)
    assert any("no longer stored" in warning for warning in gone.warnings)
    stack.finish()
    assert rows("SELECT count(*) FROM shards WHERE recheck_after IS NOT NULL") == [(0,)]


def test_rows_of_a_failed_ingest_are_stored_as_well(world, rows, assert_counts):
    stack = Stack(world)
    rows_read = [shop_row(number) for number in range(40)]
    stack.read(KEYS[0], WRONG, as_csv(rows_read))
    stack.read(KEYS[1], WRONG, as_csv(rows_read[::-1]))
    failed = stack.reports()[0].ingest_id
    stack.world.dependencies.ledger.fail(failed, "decompression_limit", "too large")
    stack.correct()
    stack.finish()
    assert assert_counts(stack.reports()[0]).stored == 40
    assert rows("SELECT count(*) FROM reviews") == [(80,)]
