"""What is stored of the pictures of reviews, and how it is removed."""

import io
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from shared.errors import ArtefactError, NotFoundError
from shared.schemas.pictures import KeptPicture, PictureResults
from shared.storage import layout
from shared.storage.embeddings import UNREADABLE
from shared.storage.objects import ObjectStore


def read_results(store: ObjectStore, key: str) -> PictureResults | None:
    """What became of a batch; None if it is not stored.

    Raises:
        ArtefactError: it cannot be read.
    """
    try:
        return PictureResults.model_validate_json(store.get(key)[0])
    except NotFoundError:
        return None
    except ValidationError as error:
        raise ArtefactError(f"{key} is not the result of a batch of pictures") from error


def write_vectors(store: ObjectStore, key: str, vectors: npt.NDArray[np.float16]) -> None:
    """Store the vectors of a batch."""
    sink = io.BytesIO()
    np.save(sink, vectors, allow_pickle=False)
    store.put(key, sink.getvalue())


def read_vectors(store: ObjectStore, key: str) -> npt.NDArray[np.float16]:
    """The vectors of a batch.

    Raises:
        NotFoundError: they are not stored.
        ArtefactError: they cannot be read.
    """
    body, _ = store.get(key)
    try:
        vectors: npt.NDArray[np.float16] = np.load(io.BytesIO(body), allow_pickle=False)
    except UNREADABLE as error:
        raise ArtefactError(f"{key} is truncated or not an array") from error
    return vectors


def _vectors_of(store: ObjectStore, results_key: str) -> list[str]:
    """Keys of the vectors of a batch, one of each model."""
    ingest_id, _, name = results_key.rpartition("/results/")[2].partition("/")
    ending = f"/{name.removesuffix('.json')}.npy"
    listed = store.list(f"{layout.PICTURE_VECTORS}{ingest_id}/")
    return [info.key for info in listed if info.key.endswith(ending)]


def forget_batch(store: ObjectStore, ingest_id: str, first: int) -> None:
    """Remove the results and vectors of a batch; its files may belong to others."""
    key = layout.picture_results(ingest_id, first)
    for vectors in _vectors_of(store, key):
        store.delete(vectors)
    store.delete(key)


def forget_reviews(store: ObjectStore, ingest_id: str, review_ids: Collection[str]) -> int:
    """Remove the pictures of some reviews; returns how many were removed.

    The vectors of their batches are removed as well: `embed_again` of the ledger has the pictures
    that are left embedded again. A file goes unless another review of the same upload has the same
    picture. The results of a batch are written last, so that an interrupted run can be repeated.
    """
    _, prefix, _ = layout.picture_prefixes(ingest_id)
    changed = dict[str, PictureResults]()
    removed, kept = list[KeptPicture](), set[str]()
    for info in list(store.list(prefix)):
        results = read_results(store, info.key)
        if results is None:
            continue
        left = [each for each in results.pictures if each.review_id not in review_ids]
        kept |= {each.sha256 for each in left}
        if len(left) < len(results.pictures):
            changed[info.key] = PictureResults(pictures=left)
            removed += [each for each in results.pictures if each.review_id in review_ids]
    for sha256 in {each.sha256 for each in removed if each.sha256} - kept:
        store.delete(layout.picture_file(ingest_id, sha256))
    for key, left_results in changed.items():
        for vectors in _vectors_of(store, key):
            store.delete(vectors)
        store.put(key, left_results.model_dump_json().encode())
    return len(removed)


def count_files(store: ObjectStore, ingest_id: str) -> int:
    """How many pictures of an upload are stored."""
    files, _, _ = layout.picture_prefixes(ingest_id)
    return sum(1 for _ in store.list(files))


def forget_ingest(store: ObjectStore, ingest_id: str) -> None:
    """Remove all that is stored of the pictures of an upload."""
    for prefix in layout.picture_prefixes(ingest_id):
        for info in list(store.list(prefix)):
            store.delete(info.key)
