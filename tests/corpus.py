"""Published models, and shards of generated reviews with the embeddings that a test passes."""

import io
import itertools
import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from shared.schemas.manifest import Manifest
from shared.schemas.sentiment import sentiment_of_rating
from shared.storage import artefacts
from shared.storage.layout import analysis_shard, embedding_shard, version_prefix
from shared.storage.shard_schemas import SERVED_SCHEMA
from shared.storage.shards import to_parquet

_OPENINGS = {
    1: ["It broke after", "A waste of money, failed within", "Terrible, it died after"],
    3: ["It is all right after", "Nothing special in", "Neither good nor bad over"],
    5: ["I have loved it for", "It works wonderfully after", "Excellent, still perfect after"],
}
_THINGS = ["battery", "kettle", "headphones", "tent", "phone case", "charger", "blender"]
_SPANS = ["two days", "a week", "three months", "one year", "five trips"]


def made_up_reviews(count, seed=7):
    """Rows of SERVED_SCHEMA as dictionaries; deterministic, with some texts twice."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        stars = rng.choice((1, 3, 5))
        thing = rng.choice(_THINGS)
        sentence = f"{rng.choice(_OPENINGS[stars])} {rng.choice(_SPANS)}: the {thing}"
        text = sentence if rng.random() < 0.3 else f"{sentence}, order {number}."
        rows.append(
            {
                "review_id": f"made:{seed}-{number}",
                "product_id": f"P{_THINGS.index(thing)}",
                "category": "kitchen" if thing in {"kettle", "blender"} else "outdoor",
                "brand": (None, "Lumen", "Brook & Co")[_THINGS.index(thing) % 3],
                "source": "mapped",
                "title": rng.choice([None, f"My {thing}"]),
                "text": text,
                "rating": rng.choice([None, float(stars), float(stars)]),
                "reviewed_at": rng.choice(
                    [None, datetime(2021, 1, 1, tzinfo=UTC) + timedelta(hours=number * 7)]
                ),
                "sentiment": sentiment_of_rating(stars).value,
                "confidence": 0.9,
            }
        )
    return rows


def random_vectors(count, dimension, seed=3):
    """Unit vectors in float16, shape (count, dimension)."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16)


def npy(vectors):
    """The bytes of an embedding shard."""
    sink = io.BytesIO()
    np.save(sink, vectors)
    return sink.getvalue()


_parts = itertools.count()


def put_shard(store, model_version, rows, vectors, *, ingest="ing_made", part=None):
    """Write one pair of shards; returns its part number."""
    part = next(_parts) if part is None else part
    table = pa.Table.from_pylist(rows, schema=SERVED_SCHEMA)
    store.put(embedding_shard(model_version, ingest, part), npy(vectors))
    store.put(analysis_shard(model_version, ingest, part), to_parquet(table))
    return part


def publish_model(store, folder):
    """Publish a model folder and make it current; returns its manifest."""
    version = artefacts.read_folder(folder, kind="model")
    artefacts.publish(store, version.folder, version.manifest)
    _make_current(store, version.manifest.version)
    return version.manifest


def publish_manifest_only(store, version, dimension):
    """Publish only the manifest of a model and make it current; returns the manifest."""
    manifest = Manifest(
        kind="model",
        version=version,
        created_at=datetime.now(UTC),
        files={},
        dimension=dimension,
        labels=["negative", "neutral", "positive"],
        max_tokens=64,
    )
    store.put(
        version_prefix("model", version) + "manifest.json", manifest.model_dump_json().encode()
    )
    _make_current(store, version)
    return manifest


def _make_current(store, version):
    pointer = artefacts.current(store, "model")
    etag = pointer.etag if pointer else None
    artefacts.move_pointer(store, "model", version, if_match=etag)
