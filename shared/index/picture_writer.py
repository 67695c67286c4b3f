"""Adds the pictures of reviews to the files of an index version.

Part of the write side, like writer.py.
"""

import hashlib
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shared.errors import ArtefactError, NotFoundError
from shared.index import pictures, rows, vectors
from shared.schemas.formats import FormatError
from shared.storage import layout
from shared.storage.objects import ObjectStore
from shared.storage.review_pictures import read_results, read_vectors

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """The vectors of a batch by one model, as listed."""

    key: str
    etag: str
    ingest_id: str
    first: int


def list_batches(store: ObjectStore, model_version: str) -> list[PictureBatch]:
    """All batches of pictures that a model has embedded, in the order of their keys."""
    batches = []
    for info in store.list(layout.PICTURE_VECTORS):
        ingest_id, model, name = info.key.removeprefix(layout.PICTURE_VECTORS).split("/")
        if model == model_version:
            first = int(name.removesuffix(".npy"))
            batches.append(PictureBatch(info.key, info.etag, ingest_id, first))
    return batches


def hash_of(batches: list[PictureBatch]) -> str:
    """SHA-256 (hex) of a set of batches and their content; empty without any."""
    names = "\n".join(f"{batch.key}:{batch.etag}" for batch in batches)
    return hashlib.sha256(names.encode()).hexdigest() if names else ""


def write_pictures(
    store: ObjectStore, folder: Path, batches: list[PictureBatch], dimension: int
) -> int:
    """Write the pictures of reviews that the side file in the folder has; returns their number.

    A batch that cannot be read is left out. Without a picture, no file is written.
    """
    index = vectors.new_index(dimension, 0)
    connection = sqlite3.connect(folder / rows.FILE, isolation_level=None)
    try:
        connection.execute("CREATE TEMPORARY TABLE wanted (id, review_id, file)")
        arrays = []
        count = 0
        for batch in batches:
            read = _read(store, batch, dimension)
            if read is None:
                continue
            array, places = read
            arrays.append(array)
            numbered = ((count + n, *place) for n, place in enumerate(places))
            connection.executemany("INSERT INTO wanted VALUES (?, ?, ?)", numbered)
            count += len(array)
        found = connection.execute(
            "SELECT w.id, r.id, w.file FROM reviews AS r JOIN wanted AS w"
            " ON w.review_id = r.review_id ORDER BY w.id"
        ).fetchall()
        if not found:
            return 0
        everything = np.concatenate(arrays)
        vectors.add(index, everything[[row[0] for row in found]].astype(np.float32))
        vectors.write(index, folder / pictures.FILE)
        connection.execute(pictures.TABLE)
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO pictures VALUES (?, ?, ?)",
            ((position, review, file) for position, (_, review, file) in enumerate(found)),
        )
        connection.execute("CREATE INDEX pictures_of ON pictures (review)")
        connection.execute("CREATE INDEX review_ids ON reviews (review_id)")
        connection.execute("COMMIT")
        return len(found)
    finally:
        connection.close()


def _read(
    store: ObjectStore, batch: PictureBatch, dimension: int
) -> tuple[np.ndarray, list[tuple[str, str]]] | None:
    """The vectors of a batch, and for each its review and its file."""
    try:
        results = read_results(store, layout.picture_results(batch.ingest_id, batch.first))
        array = read_vectors(store, batch.key)
    except FormatError:
        raise
    except (ArtefactError, NotFoundError) as error:
        log.warning("the index leaves out a batch of pictures: %s", error)
        return None
    kept = results.fetched if results else []
    if array.ndim != 2 or array.shape != (len(kept), dimension):
        log.warning("the index leaves out a batch of pictures", extra={"key": batch.key})
        return None
    return array, [(each.review_id, f"{batch.ingest_id}/{each.sha256}") for each in kept]
