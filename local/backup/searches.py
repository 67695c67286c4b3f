"""Searches that are recorded with a backup, and repeated after a restore."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.backup.contents import Search
from shared.index.reader import IndexReader
from shared.runtime.encoder import Encoder
from shared.storage import artefacts
from shared.storage.objects import ObjectStore

_RESULTS = 10
_COMPARED = 5
"""Another processor may compute slightly other embeddings, so the last results may differ."""


def search(store: ObjectStore, index_version: str, texts: Sequence[str]) -> list[Search]:
    """Search an index with its model.

    Args:
        store: the artefact bucket.
        index_version: the index.
        texts: what to search for.

    Raises:
        NotFoundError: the index or its model does not exist.
        ArtefactError: one of them cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="reviewlens-backup-") as folder:
        cache = Path(folder)
        version = artefacts.fetch(store, "index", index_version, cache)
        model = str(version.manifest.model_version)
        encoder = Encoder(artefacts.fetch(store, "model", model, cache))
        index = IndexReader(version)
        embeddings = encoder.encode(texts).embeddings
        return [
            Search(
                text=text,
                review_ids=[hit.row.review_id for hit in index.search(vector, _RESULTS)],
            )
            for text, vector in zip(texts, embeddings, strict=True)
        ]


def differing(before: Sequence[Search], after: Sequence[Search]) -> int:
    """How many searches do not find again what they found first."""
    found = {each.text: set(each.review_ids) for each in after}
    return sum(
        not set(each.review_ids[:_COMPARED]) <= found.get(each.text, set()) for each in before
    )
