"""The encoder: computes embeddings and sentiment probabilities of texts in one pass."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError
from shared.runtime.fusion import open_head
from shared.runtime.identities import reread
from shared.runtime.probabilities import softmax
from shared.runtime.session import open_session
from shared.runtime.spans import (
    TOKENS_OUTPUT,
    Characters,
    TokenLogits,
    token_ids_and_characters,
)
from shared.runtime.text_tower import TextTower
from shared.runtime.threads import cores
from shared.runtime.tokens import (
    MAX_TOKENS,
    UNKNOWN,
    load_tokenizer,
    pad,
    tokenise,
    truncate,
    unknown_share,
)
from shared.schemas.sentiment import LABELS
from shared.storage.artefacts import LocalVersion, read_folder

BATCH_SIZE = 8
"""Texts per pass: small batches of similar lengths need little padding and fit the CPU cache."""

_OUTPUTS = ("embedding", "logits")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Results, row-aligned with the texts.

    ``embeddings``: float32, texts x dimension, unit length. ``probabilities``: float32,
    texts x 3 in the order of LABELS, each row summing to one. ``truncated``: whether the middle of
    a text was left out because it has more tokens than the model reads. ``unknown_shares``: share
    of a text's tokens that the tokenizer does not know. ``tokens``: the logits of each text's
    tokens; None if the model has none.
    """

    embeddings: Floats
    probabilities: Floats
    truncated: list[bool]
    unknown_shares: list[float]
    tokens: list[TokenLogits] | None = None


class Encoder:
    """One open model version; thread-safe."""

    def __init__(
        self, version: LocalVersion, *, threads: int = 1, idle_threads: int | None = None
    ) -> None:
        """Open a verified version.

        Args:
            version: folder with model.onnx and tokenizer.json, and its manifest.
            threads: threads of one pass; as many passes run in parallel as there are cores.
            idle_threads: threads of a pass that starts while no other runs, if more than
                ``threads``: it is faster, but needs a second copy of the weights in memory.

        Raises:
            ArtefactError: the graph cannot be loaded or does not match the manifest, or its
                fusion head belongs to another model.
        """
        folder, manifest = version.folder, version.manifest
        self.folder, self.manifest = folder, manifest
        self.decisions = manifest.decisions
        self.head = open_head(folder, manifest)
        try:
            self._tokenizer = load_tokenizer(folder / "tokenizer.json")
            self._session = open_session(folder / "model.onnx", threads)
            self._idle_session = self._session
            if idle_threads is not None and idle_threads > threads:
                self._idle_session = open_session(folder / "model.onnx", idle_threads)
            self._tower = TextTower(folder, threads=threads) if manifest.joint else None
        except Exception as error:  # tokenizers and onnxruntime raise bare Exceptions
            raise ArtefactError(f"model {manifest.version} cannot be opened") from error
        outputs = {output.name for output in self._session.get_outputs()}
        self._reads_tokens = TOKENS_OUTPUT in outputs
        self._outputs = [*_OUTPUTS, *([TOKENS_OUTPUT] if self._reads_tokens else [])]
        self._unknown_id = self._tokenizer.token_to_id(UNKNOWN)
        self._max_passes = max(1, cores() // threads)
        self._slots = threading.BoundedSemaphore(self._max_passes)
        self._running = 0
        self._running_lock = threading.Lock()
        self._pool_lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._check()

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.manifest.version

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.manifest.dimension

    def _check(self) -> None:
        if self.manifest.labels != list(LABELS):
            raise ArtefactError(f"the labels of model {self.version} are not {list(LABELS)}")
        try:
            probe = self.encode(["A short text."])
            if self._idle_session is not self._session:
                self.encode(["One of many texts."] * (BATCH_SIZE + 1))
        except Exception as error:
            raise ArtefactError(f"model {self.version} cannot be run") from error
        outputs = [probe.embeddings, probe.probabilities]
        expected = [(1, self.dimension), (1, len(LABELS))]
        for tokens in probe.tokens or []:
            outputs.append(tokens.logits)
            expected.append((len(tokens.characters), len(LABELS)))
        if [output.shape for output in outputs] != expected:
            raise ArtefactError(f"the outputs of model {self.version} do not match its manifest")
        if not all(np.isfinite(output).all() for output in outputs):
            raise ArtefactError(f"model {self.version} returns values that are not finite")

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode texts, in order; returns empty arrays for no texts.

        A text with a word for an identity is read twice: its sentiment is that of the text with
        a neutral word in its place, its embedding that of the text as it is.
        """
        again = reread(texts)
        encoded = self._encode([*texts, *again.texts])
        if not again.rows:
            return encoded
        end = len(texts)
        sentiments = again.sources(end)
        tokens = encoded.tokens
        if tokens is not None:
            for row, replaced in zip(again.rows, again.replaced, strict=True):
                read = tokens[sentiments[row]]
                tokens[row] = read._replace(characters=replaced.characters(read.characters))
        return Encoded(
            encoded.embeddings[:end],
            encoded.probabilities[sentiments],
            encoded.truncated[:end],
            encoded.unknown_shares[:end],
            tokens[:end] if tokens is not None else None,
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of each text the model reads, its two special ones included."""
        limit = self.manifest.max_tokens or MAX_TOKENS
        return [min(len(ids), limit) for ids in tokenise(self._tokenizer, texts)]

    def _encode(self, texts: Sequence[str]) -> Encoded:
        embeddings = np.empty((len(texts), self.dimension), dtype=np.float32)
        probabilities = np.empty((len(texts), len(LABELS)), dtype=np.float32)
        token_logits: list[Floats] = [np.empty((0, len(LABELS)), np.float32)] * len(texts)
        if not texts:
            return Encoded(embeddings, probabilities, [], [], [] if self._reads_tokens else None)
        characters: list[list[Characters]] = []
        if self._reads_tokens:
            all_ids, characters = token_ids_and_characters(self._tokenizer, texts)
        else:
            all_ids = tokenise(self._tokenizer, texts)
        limit, tail = self.manifest.max_tokens or MAX_TOKENS, self.manifest.tail_tokens
        tokens = [truncate(ids, limit, tail) for ids in all_ids]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        batches = [order[at : at + BATCH_SIZE] for at in range(0, len(order), BATCH_SIZE)]

        def encode_batch(rows: list[int]) -> None:
            ids, mask = pad([tokens[i] for i in rows])
            with self._slot() as other_passes:
                session = self._session if other_passes or len(batches) > 1 else self._idle_session
                feed = {"input_ids": ids, "attention_mask": mask}
                vectors, logits, *of_tokens = session.run(self._outputs, feed)
            if self._tower is None:
                embeddings[rows] = vectors
            probabilities[rows] = softmax(logits)
            for batch in of_tokens:
                for row, values in zip(rows, batch, strict=True):
                    token_logits[row] = values[: len(tokens[row])]

        if len(batches) == 1 or self._max_passes == 1:
            for rows in batches:
                encode_batch(rows)
        else:
            # Longest first, so that the cores finish at about the same time.
            list(self._workers().map(encode_batch, reversed(batches)))
        truncated = [len(ids) > limit for ids in all_ids]
        if self._tower is not None:
            truncated = self._encode_in_joint_space(self._tower, texts, embeddings, truncated)
        return Encoded(
            embeddings,
            probabilities,
            truncated,
            [unknown_share(ids, self._unknown_id) for ids in all_ids],
            [
                TokenLogits(values, np.asarray(truncate(pairs, limit, tail), np.int64))
                for values, pairs in zip(token_logits, characters, strict=True)
            ]
            if self._reads_tokens
            else None,
        )

    def _encode_in_joint_space(
        self, tower: TextTower, texts: Sequence[str], embeddings: Floats, truncated: list[bool]
    ) -> list[bool]:
        """Set the embeddings; returns whether each text is shortened by the tower or before."""

        def encode_text(row: int) -> bool:
            with self._slot():
                embeddings[row], shortened = tower.encode(texts[row])
            return shortened or truncated[row]

        rows = range(len(texts))
        if len(texts) == 1 or self._max_passes == 1:
            return [encode_text(row) for row in rows]
        return list(self._workers().map(encode_text, rows))

    def _workers(self) -> ThreadPoolExecutor:
        with self._pool_lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._max_passes, thread_name_prefix="encoder")
            return self._pool

    @contextmanager
    def _slot(self) -> Iterator[int]:
        """Wait until a pass may start; yields how many other passes are running."""
        with self._slots:
            with self._running_lock:
                other_passes = self._running
                self._running += 1
            try:
                yield other_passes
            finally:
                with self._running_lock:
                    self._running -= 1


def open_folder(folder: Path, *, threads: int = 1, idle_threads: int | None = None) -> Encoder:
    """Verify a model folder (such as models/default) against its manifest and open it.

    Raises:
        ArtefactError: the folder is incomplete, corrupt or not a model that can serve here.
    """
    return Encoder(read_folder(folder, kind="model"), threads=threads, idle_threads=idle_threads)
