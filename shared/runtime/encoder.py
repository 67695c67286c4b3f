"""The encoder: texts in, embeddings and sentiment probabilities out, in one pass."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError
from shared.runtime.probabilities import softmax
from shared.runtime.session import open_session
from shared.runtime.threads import cores
from shared.runtime.tokens import MAX_TOKENS, cut, load_tokenizer, padded, tokenise
from shared.schemas.sentiment import LABELS
from shared.storage.artefacts import LocalVersion, read_folder

BATCH = 8
"""Texts a pass: small batches of like lengths waste the least padding, and fit the cache."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Row-aligned with the texts.

    ``embeddings``: float32, texts x dimension, unit length. ``probabilities``: float32,
    texts x 3 in the order of LABELS, each row summing to one. ``cut``: whether a text's middle was
    left out, because it has more tokens than the model takes.
    """

    embeddings: Floats
    probabilities: Floats
    cut: list[bool]


class Encoder:
    """One model version, opened. Any number of threads may call it at once."""

    def __init__(
        self, version: LocalVersion, *, threads: int = 1, alone: int | None = None
    ) -> None:
        """Open a verified version.

        Args:
            version: Its folder holds model.onnx and tokenizer.json.
            threads: Threads of one pass; as many passes run at once as cores allow.
            alone: Threads of a pass that starts while no other runs, where that is more: it
                answers sooner, for a second copy of the weights in memory. By default ``threads``.

        Raises:
            ArtefactError: the graph does not load, or is not what the manifest says.
        """
        folder, manifest = version.folder, version.manifest
        self.manifest = manifest
        try:
            self._tokenizer = load_tokenizer(folder / "tokenizer.json")
            self._session = open_session(folder / "model.onnx", threads)
            self._alone = self._session
            if alone is not None and alone > threads:
                self._alone = open_session(folder / "model.onnx", alone)
        except Exception as error:  # tokenizers and onnxruntime raise bare Exceptions
            raise ArtefactError(f"model {manifest.version} cannot be opened") from error
        self._side_by_side = max(1, cores() // threads)
        self._turns = threading.BoundedSemaphore(self._side_by_side)
        self._running = 0
        self._counting = threading.Lock()
        self._making = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._check()

    @property
    def version(self) -> str:
        """The model version."""
        return self.manifest.version

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.manifest.dimension

    def _check(self) -> None:
        if self.manifest.labels != list(LABELS):
            raise ArtefactError(f"model {self.version} has other labels than {list(LABELS)}")
        try:
            probe = self.encode(["The same text every time."])
            if self._alone is not self._session:
                self.encode(["One of more texts than a pass takes."] * (BATCH + 1))
        except Exception as error:
            raise ArtefactError(f"model {self.version} does not run") from error
        expected = ((1, self.dimension), (1, len(LABELS)))
        if (probe.embeddings.shape, probe.probabilities.shape) != expected:
            raise ArtefactError(f"model {self.version} has other outputs than its manifest says")
        if not np.isfinite(probe.embeddings).all() or not np.isfinite(probe.probabilities).all():
            raise ArtefactError(f"model {self.version} gives values that are not finite")

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode texts, in order; no texts give empty arrays."""
        embeddings = np.empty((len(texts), self.dimension), dtype=np.float32)
        probabilities = np.empty((len(texts), len(LABELS)), dtype=np.float32)
        if not texts:
            return Encoded(embeddings, probabilities, [])
        whole = tokenise(self._tokenizer, texts)
        limit = self.manifest.max_tokens or MAX_TOKENS
        tokens = [cut(ids, limit, self.manifest.tail_tokens) for ids in whole]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

        def encode_batch(rows: list[int]) -> None:
            ids, mask = padded([tokens[i] for i in rows])
            with self._turn() as others:
                session = self._session if others or len(batches) > 1 else self._alone
                feed = {"input_ids": ids, "attention_mask": mask}
                embeddings[rows], logits = session.run(["embedding", "logits"], feed)
            probabilities[rows] = softmax(logits)

        if len(batches) == 1 or self._side_by_side == 1:
            for rows in batches:
                encode_batch(rows)
        else:
            # Longest first, so that no core waits at the end for one long batch.
            list(self._workers().map(encode_batch, reversed(batches)))
        return Encoded(embeddings, probabilities, [len(ids) > limit for ids in whole])

    def _workers(self) -> ThreadPoolExecutor:
        with self._making:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._side_by_side, thread_name_prefix="encoder")
            return self._pool

    @contextmanager
    def _turn(self) -> Iterator[int]:
        """Wait until a pass may start; gives how many others run then."""
        with self._turns:
            with self._counting:
                others = self._running
                self._running += 1
            try:
                yield others
            finally:
                with self._counting:
                    self._running -= 1


def open_folder(folder: Path, *, threads: int = 1, alone: int | None = None) -> Encoder:
    """Verify a model folder (such as models/default) against its manifest, and open it.

    Raises:
        ArtefactError: it is incomplete, corrupt or not a model that serves here.
    """
    return Encoder(read_folder(folder, kind="model"), threads=threads, alone=alone)
