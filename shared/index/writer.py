"""Writes the files of one index version from pairs of shards.

Part of the write side: this module loads pyarrow, which the read path must not.
"""

import json
import logging
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import NotFoundError
from shared.index import picture_writer, pictures, rows, vectors
from shared.index.picture_writer import PictureBatch, write_pictures
from shared.index.rows import RowWriter
from shared.index.shards import ShardError, count_rows, hash_of, python_rows, read_pair
from shared.index.vectors import Vectors
from shared.schemas.formats import INDEX
from shared.schemas.manifest import FileEntry, Manifest
from shared.storage import artefacts
from shared.storage.layout import SHARDS_FILE
from shared.storage.objects import ObjectStore
from shared.storage.pairs import ShardPair, Skipped

log = logging.getLogger(__name__)
_ADD_ROWS = 8_192


class IndexWriter:
    """Writes one version into a folder; memory holds the FAISS index and one pair of shards."""

    def __init__(self, store: ObjectStore, folder: Path, model: Manifest, exact_up_to: int) -> None:
        self._store = store
        self._folder = folder
        self._model = model
        self._exact_up_to = exact_up_to
        self.skipped: list[Skipped] = []
        self.included: list[ShardPair] = []

    def write(
        self, pairs: list[ShardPair], batches: list[PictureBatch] | None = None
    ) -> Manifest | None:
        """Write the files of a version; returns None if there is nothing to index.

        Args:
            pairs: the shards of reviews.
            batches: pictures of reviews; those of reviews that no shard has are left out.

        Raises:
            FormatError: this release does not read the format of a pair.
        """
        expected = sum(count_rows(self._store, pair) for pair in pairs)
        index = vectors.new_index(self._model.dimension, expected, exact_up_to=self._exact_up_to)
        writer = RowWriter(self._folder / rows.FILE)
        for pair in pairs:
            self._add(pair, index, writer)
        writer.close()
        if index.ntotal == 0:
            return None
        parameters = self._tune(index)
        path = self._folder / vectors.FILE
        vectors.write(index, path, graph=parameters["kind"] == "hnsw")
        names = [pair.name for pair in self.included]
        (self._folder / SHARDS_FILE).write_text(json.dumps(names), encoding="utf-8")
        parameters |= {"shards_sha256": hash_of(pairs), "shards": len(names)}
        if batches:
            count = write_pictures(self._store, self._folder, batches, self._model.dimension)
            parameters |= {"pictures_sha256": picture_writer.hash_of(batches), "pictures": count}
        return self._manifest(index.ntotal, parameters)

    def _add(self, pair: ShardPair, index: Any, writer: RowWriter) -> None:
        try:
            array, table = read_pair(self._store, pair, self._model.dimension)
        except (ShardError, NotFoundError) as error:
            self.skipped.append(Skipped(pair.stem, f"cannot be used: {error}"))
            return
        for start in range(0, len(array), _ADD_ROWS):
            vectors.add(index, array[start : start + _ADD_ROWS].astype(np.float32))
        for chunk in python_rows(table):
            writer.add(chunk)
        self.included.append(pair)

    def _tune(self, index: Any) -> dict[str, object]:
        """Choose efSearch by measured recall; a graph without enough recall is not used."""
        if not hasattr(index, "hnsw"):
            return {"kind": "exact", "storage": "float16"}
        chosen = Vectors(index).least_effort()
        if chosen is None:
            log.warning("the HNSW graph misses the minimum recall: the index is exact")
            return {"kind": "exact", "storage": "float16"}
        effort, recall = chosen
        return {
            "kind": "hnsw",
            "storage": "float16",
            "m": vectors.NEIGHBOURS,
            "ef_construction": vectors.CONSTRUCTION_EFFORT,
            "ef_search": effort,
            "recall_at_10": recall,
        }

    def _manifest(self, count: int, parameters: dict[str, object]) -> Manifest:
        names = (vectors.FILE, rows.FILE, SHARDS_FILE)
        paths = {name: self._folder / name for name in names}
        if (self._folder / pictures.FILE).is_file():
            paths[pictures.FILE] = self._folder / pictures.FILE
        files = {
            name: FileEntry(sha256=artefacts.file_sha256(path), bytes=path.stat().st_size)
            for name, path in paths.items()
        }
        now = datetime.now(UTC)
        return Manifest(
            format=INDEX.version,
            kind="index",
            version=f"{now:%Y%m%dT%H%M%S.%f}-{count}-{secrets.token_hex(3)}",
            created_at=now,
            files=files,
            dimension=self._model.dimension,
            model_version=self._model.version,
            count=count,
            parameters=parameters,
        )
