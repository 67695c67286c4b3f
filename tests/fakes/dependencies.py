"""Dependencies of collection and processing with a real database; the rest is in memory."""

from lambdas.collection.dependencies import Dependencies as CollectionDependencies
from lambdas.processing.dependencies import Dependencies as ProcessingDependencies
from shared.db.ingest.ledger import Ledger
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue

REVIEWER_KEY = b"k" * 32


def collection_dependencies(database, **replaced):
    """Dependencies of collection; ``replaced`` sets fields, e.g. stores to inspect."""
    stores = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")}
    queues = {f"{name}_queue": MemoryQueue() for name in ("collection", "processing", "index")}
    defaults = {"ledger": Ledger(database), "reviewer_key": REVIEWER_KEY, **stores, **queues}
    return CollectionDependencies(database=database, **{**defaults, **replaced})


def processing_dependencies(database, current_model, **replaced):
    """Dependencies of processing; ``replaced`` sets fields, e.g. stores to inspect."""
    stores = {name: MemoryStore(name) for name in ("clean", "artefacts")}
    queues = {f"{name}_queue": MemoryQueue() for name in ("processing", "index")}
    defaults = {"ledger": Ledger(database), "current_model": current_model, **stores, **queues}
    return ProcessingDependencies(database=database, **{**defaults, **replaced})
