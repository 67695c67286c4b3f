"""Judges stored reviews by an adapted model without reading them again.

An adapted model (sagemaker_jobs.adapt) has the embeddings of the version that its manifest names as
``embeddings_of``, bit for bit, and corrects that version's logits by a few numbers. What that
version said of a review is stored: its embedding beside the index, its probabilities in the
database. The corrections alone, applied to those, give the adapted model's word.
"""

import io
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pyarrow as pa

from shared.db.connection import Database
from shared.db.ingest.analyses import probabilities_of
from shared.errors import NotFoundError
from shared.runtime.probabilities import softmax
from shared.runtime.scoring import Scored
from shared.schemas.messages import ProcessShard
from shared.schemas.sentiment import LABELS
from shared.storage import artefacts, layout
from shared.storage.objects import ObjectStore
from shared.storage.shards import from_parquet

log = logging.getLogger("score")
_READ = ("review_id", "title", "text")
"""What the encoder read of a review, and which review it was."""


@dataclass(frozen=True)
class Reuse:
    """Corrections of an adapted model, and the version whose answers they correct."""

    version: str
    head: ort.InferenceSession

    def score(
        self, store: ObjectStore, database: Database, shard: ProcessShard, table: pa.Table
    ) -> Scored | None:
        """What the adapted model makes of a clean shard.

        Args:
            store: the artefact bucket.
            database: has what ``version`` said.
            shard: which shard it is.
            table: the clean shard.

        Returns:
            None where ``version`` has not read this shard as it is now.
        """
        found = self._stored(store, shard, table)
        if found is None:
            return None
        vectors, served = found
        with database.transaction() as connection:
            said = probabilities_of(connection, self.version, table["review_id"].to_pylist())
        if any(None in row for row in said):
            return None
        before = np.array(said, np.float32)
        if not _agree(before, served):
            return None
        logits = np.log(np.maximum(before, np.finfo(np.float32).tiny))
        feed = {"before": logits, "embedding": vectors.astype(np.float32)}
        (corrected,) = self.head.run(["logits"], feed)
        probabilities = softmax(corrected).astype(np.float32)
        sentiments = [LABELS[index].value for index in probabilities.argmax(axis=1)]
        return Scored(vectors, probabilities, sentiments, probabilities.max(axis=1))

    def _stored(
        self, store: ObjectStore, shard: ProcessShard, table: pa.Table
    ) -> tuple[npt.NDArray[np.float16], pa.Table] | None:
        """The pair that ``version`` made of these very rows: embeddings, and what answers show."""
        place = (self.version, shard.ingest_id, shard.part)
        try:
            vectors = store.get(layout.embedding_shard(*place))[0]
            served = from_parquet(store.get(layout.analysis_shard(*place))[0])
        except NotFoundError:
            return None
        array = np.load(io.BytesIO(vectors), allow_pickle=False)
        same = all(served[name].equals(table[name]) for name in _READ)
        return (array, served) if same and len(array) == table.num_rows else None


def _agree(said: npt.NDArray[np.float32], served: pa.Table) -> bool:
    """Whether the database has what was said of this shard: a review may stand in two of them."""
    sentiments = [LABELS[index].value for index in said.argmax(axis=1)]
    confidences = served["confidence"].to_numpy()
    same = np.array_equal(said.max(axis=1), confidences)
    return same and sentiments == served["sentiment"].to_pylist()


def reuse_of(store: ObjectStore, version: str, cache_dir: Path) -> Reuse | None:
    """Open the corrections of a version; None where it is no adapted one.

    Raises:
        NotFoundError: there is no such version.
        ArtefactError: it is corrupt.
    """
    source = artefacts.read_manifest(store, "model", version).parameters.get("embeddings_of")
    if not isinstance(source, str):
        return None
    try:
        from sagemaker_jobs.adapt.graph import corrections
    except ModuleNotFoundError:  # onnx is no part of the extra ``serve``
        log.warning("no onnx here: what %s embedded is embedded anew for %s", source, version)
        return None
    model = artefacts.fetch(store, "model", version, cache_dir)
    graph = corrections(model.folder / "model.onnx")
    if graph is None:
        return None
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # a few thousand products a review: no second thread helps
    return Reuse(source, ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"]))
