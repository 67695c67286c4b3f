"""Times the components of a request without HTTP, in one thread."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is imported

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import faiss
import numpy as np

from benchmarks.children.measure import milliseconds, read_task, write_result
from lambdas.inference.dependencies import build_dependencies
from lambdas.inference.service import analyze
from lambdas.inference.settings import InferenceSettings
from shared.index import vectors
from shared.schemas.api import AnalyzeRequest
from shared.serving.snapshots import Snapshot
from shared.storage import artefacts
from shared.storage.clients import client
from shared.storage.objects import S3Store

_NEIGHBOURS = 10


def load_faiss_index(settings: InferenceSettings, version: str) -> Any:
    """The index file, loaded by FAISS alone."""
    store = S3Store(client("s3"), settings.artefact_bucket)
    fetched = artefacts.fetch(store, "index", version, settings.cache_dir)
    return faiss.read_index(str(fetched.folder / vectors.FILE))


def components(
    snapshot: Snapshot, plain: Any, queries: Sequence[str]
) -> dict[str, Callable[[int], object]]:
    """Functions by component name; each takes the number of a query."""
    index = snapshot.index
    if index is None:
        raise RuntimeError("there is no index")
    embeddings = np.concatenate([snapshot.encoder.encode([text]).embeddings for text in queries])
    requests = [AnalyzeRequest(query_text=text) for text in queries]
    stored = getattr(plain, "storage", plain)
    everything = faiss.downcast_index(stored).reconstruct_n(0, plain.ntotal)
    faiss.omp_set_num_threads(1)

    def exact(number: int) -> object:
        scores = everything @ embeddings[number]
        best = np.argpartition(scores, -_NEIGHBOURS)[-_NEIGHBOURS:]
        return best[np.argsort(-scores[best])]

    return {
        "analyze": lambda number: analyze(snapshot, requests[number]),
        "encoder": lambda number: snapshot.encoder.encode([queries[number]]),
        "index": lambda number: index.search(embeddings[number], _NEIGHBOURS),
        "faiss": lambda number: plain.search(embeddings[number : number + 1], _NEIGHBOURS),
        "numpy": exact,
    }


def main() -> None:
    task = read_task()
    settings = InferenceSettings()
    snapshot = build_dependencies().state.snapshot()
    version = snapshot.index.version if snapshot.index else ""
    queries = task["queries"]
    functions = components(snapshot, load_faiss_index(settings, version), queries)
    numbers = [turn % len(queries) for turn in range(task["repeats"])]
    times: dict[str, list[float]] = {}
    for name, function in functions.items():
        for number in numbers[:20]:
            function(number)
        times[name] = [milliseconds(partial(function, number)) for number in numbers]
    write_result(times)


if __name__ == "__main__":
    main()
