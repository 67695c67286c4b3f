"""A stack of dumps that overlap: collected, processed and indexed as the workers do."""

import contextlib
import csv
import io
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.exclude.worker import remove_excluded
from lambdas.collection.messages import own_message
from lambdas.collection.queueing import queue_object
from lambdas.collection.undo.worker import undo_ingest
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
from shared.schemas.messages import ProcessShard, RemoveExcluded, UndoIngest
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

    def __init__(self, world, **replaced):
        stores = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")} | replaced
        queues = {f"{name}_queue": MemoryQueue() for name in ("collection", "processing", "index")}
        self.world = world.replace(**stores, **queues, batch_rows=16)
        self.stores = stores
        self.delayed = []
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
        """Collect until no message is left, except those that must wait for an index."""
        while bodies := self.world.dependencies.collection_queue.take():
            for body in bodies:
                for _ in range(2 if twice else 1):
                    self.work(body)

    def work(self, body):
        message = own_message(body)
        if message is None:
            for arrival in parse_arrivals(body):
                self.world.collector.collect(arrival)
            return
        try:
            if isinstance(message, UndoIngest):
                undo_ingest(self.world.dependencies, message.ingest_id)
            elif isinstance(message, RemoveExcluded):
                remove_excluded(self.world.dependencies, message.exclusion_id)
        except UnavailableError:
            self.delayed.append(body)

    def finish(self, *outcomes):
        """Collect, process and index everything that is queued."""
        while True:
            self.collect()
            for body in self.world.dependencies.processing_queue.take():
                self.processor.process(ProcessShard.model_validate_json(body))
            report = build_index(self.stores["artefacts"])
            assert report.outcome in (outcomes or ("published", "unchanged"))
            for figures in (rollups, text_figures):
                assert figures.refresh(self.world.dependencies.database)
            if not self.delayed:
                return
            self.world.dependencies.collection_queue.bodies += self.delayed
            self.delayed = []

    def reports(self):
        return self.world.dependencies.ledger.recent(10)


@contextlib.contextmanager
def stopped(stack, *others, after):
    """Stop the collector at its n-th write of a shard or message, as a kill would.

    ``others`` are further writes to count, each an object and the name of a method.
    """
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
        for owner, name in ((clean, "put"), (clean, "delete"), (queue, "send"), *others):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        yield


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
    reports = [one for one in stack.reports() if one.status is not IngestStatus.UNDONE]
    state["ingests"] = sorted(repr(one.model_dump(include=fields)) for one in reports)
    state["stored"] = sum(one.stored for one in stack.reports())
    return state
