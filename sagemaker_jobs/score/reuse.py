"""Derives the scores of an adapted or fused model from stored ones, without encoding again.

An adapted model (sagemaker_jobs.adapt) has the embeddings of the version that its manifest names as
``embeddings_of``, bit for bit, and corrects that version's logits by a small head. That version's
results are stored: embeddings beside the index, probabilities in the database. Applying the head to
them gives the adapted model's probabilities. A fused model (sagemaker_jobs.fusion) has the same
logits as well: its head reads pictures.
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
from shared.db.ingest.analyses import read_probabilities
from shared.errors import NotFoundError
from shared.runtime.decisions import decide, decide_reported, model_logits
from shared.runtime.probabilities import softmax
from shared.runtime.scoring import Scored
from shared.schemas.decisions import Rule
from shared.schemas.messages import ProcessShard
from shared.storage import artefacts, layout
from shared.storage.objects import ObjectStore
from shared.storage.shards import read_served

log = logging.getLogger("score")
_ENCODED_COLUMNS = ("review_id", "title", "text")
"""The review's id, and the columns that the encoder reads."""


@dataclass(frozen=True)
class Reuse:
    """The correction head of an adapted model, and the version whose logits it corrects.

    Without a head, the logits are those of that version: the model adds what reads pictures.
    ``before`` and ``after`` are the rules for reviews of that version and of the adapted model.
    """

    version: str
    head: ort.InferenceSession | None
    before: Rule
    after: Rule

    def score(
        self, store: ObjectStore, database: Database, shard: ProcessShard, table: pa.Table
    ) -> tuple[Scored, list[bool | None]] | None:
        """Derive the adapted model's scores of a clean shard.

        Args:
            store: the artefact bucket.
            database: holds the probabilities of ``version``.
            shard: the shard.
            table: the clean shard.

        Returns:
            The scores, and whether each review is mixed, which its tokens say and the head does
            not change; None if ``version`` has not scored the shard in its current state.
        """
        pair = self._stored_pair(store, shard, table)
        if pair is None:
            return None
        vectors, served = pair
        with database.transaction() as connection:
            rows = read_probabilities(connection, self.version, table["review_id"].to_pylist())
        if any(None in row[:3] for row in rows):
            return None
        before = np.array([row[:3] for row in rows], np.float32)
        if not _are_scores_of(before, served, self.before):
            return None
        corrected = model_logits(before, self.before)
        if self.head is not None:
            feed = {"before": corrected, "embedding": vectors.astype(np.float32)}
            (corrected,) = self.head.run(["logits"], feed)
        decided = decide(self.after, softmax(corrected))
        # the adapted model has the tokenizer of its source, so it understands the same texts
        unknown = [float(each is False) for each in served["understood"].to_pylist()]
        scored = Scored(
            vectors,
            decided.probabilities,
            decided.sentiments,
            decided.confidences,
            decided.sure,
            unknown,
        )
        return scored, [row[3] for row in rows]

    def _stored_pair(
        self, store: ObjectStore, shard: ProcessShard, table: pa.Table
    ) -> tuple[npt.NDArray[np.float16], pa.Table] | None:
        """The pair of ``version`` for exactly these rows: embeddings and served columns."""
        place = (self.version, shard.ingest_id, shard.part)
        try:
            vectors = store.get(layout.embedding_shard(*place))[0]
            served = read_served(store, layout.analysis_shard(*place))
        except NotFoundError:
            return None
        array = np.load(io.BytesIO(vectors), allow_pickle=False)
        same = all(served[name].equals(table[name]) for name in _ENCODED_COLUMNS)
        return (array, served) if same and len(array) == table.num_rows else None


def _are_scores_of(probabilities: npt.NDArray[np.float32], served: pa.Table, rule: Rule) -> bool:
    """Whether stored probabilities are those of this shard: a review may be in two shards."""
    decided = decide_reported(rule, probabilities)
    same = np.array_equal(decided.confidences, served["confidence"].to_numpy())
    return same and decided.sentiments == served["sentiment"].to_pylist()


def open_reuse(store: ObjectStore, version: str, cache_dir: Path) -> Reuse | None:
    """Open the correction head of a version; None if it is neither adapted nor fused.

    Raises:
        NotFoundError: there is no such version.
        ArtefactError: it is corrupt.
    """
    manifest = artefacts.read_manifest(store, "model", version)
    source = manifest.parameters.get("embeddings_of")
    if not isinstance(source, str):
        return None
    try:
        before = artefacts.read_manifest(store, "model", source).decisions.review
    except NotFoundError:  # then it has not scored any review
        return None
    try:
        from sagemaker_jobs.adapt.graph import correction_graph
    except ModuleNotFoundError:  # the extra ``serve`` does not include onnx
        log.warning("onnx is not installed: %s encodes the reviews of %s again", version, source)
        return None
    model = artefacts.fetch(store, "model", version, cache_dir)
    graph = correction_graph(model.folder / "model.onnx")
    if graph is None:
        same = manifest.fusion is not None
        return Reuse(source, None, before, manifest.decisions.review) if same else None
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # a few thousand products per review: threads do not help
    head = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return Reuse(source, head, before, manifest.decisions.review)
