"""Compares an exported graph with the torch module that it was exported from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from torch import Tensor, nn

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.encoder import mean_pool

TOLERANCE = 1e-4
MIN_COSINE = 0.9
MIN_SAME_LABEL = 0.95
SHAPES = ((1, 1), (1, 2), (1, 17), (3, 64), (5, 33), (8, 128))
_BATCH = 8


class ParityError(RuntimeError):
    """The results of the exported graph differ from the torch module's."""


def _session(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def probe(rows: int, tokens: int, vocabulary: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Deterministic token ids and masks of an odd shape, the last row half padded."""
    random = np.random.default_rng(rows * 1000 + tokens)
    ids = random.integers(5, vocabulary, (rows, tokens), dtype=np.int64)
    mask = np.ones_like(ids)
    mask[-1, max(1, tokens // 2) :] = 0
    return ids, mask


def float_parity(model: nn.Module, path: Path) -> float:
    """Largest difference between torch and the float32 graph over SHAPES.

    Raises:
        ParityError: it is above TOLERANCE.
    """
    session = _session(path)
    worst = 0.0
    for rows, tokens in SHAPES:
        ids, mask = probe(rows, tokens, model.encoder.config.vocab_size)
        with torch.no_grad():
            expected = model(torch.from_numpy(ids), torch.from_numpy(mask))
        actual = session.run(None, {"input_ids": ids, "attention_mask": mask})
        for want, got in zip(expected, actual, strict=True):
            worst = max(worst, float(np.abs(want.numpy() - got).max()))
    if worst > TOLERANCE:
        raise ParityError(
            f"float32 graph differs from torch by {worst:.2e}, more than {TOLERANCE:.0e}"
        )
    return worst


def served_agreement(plain: Path, served: Path, vocabulary: int) -> float:
    """Least cosine between the embeddings of the float32 graph and of the exported one.

    Raises:
        ParityError: the exported graph returns other shapes, values that are not finite, or
            embeddings with a cosine below MIN_COSINE.
    """
    sessions = [_session(path) for path in (plain, served)]
    least = 1.0
    for rows, tokens in SHAPES:
        ids, mask = probe(rows, tokens, vocabulary)
        feed = {"input_ids": ids, "attention_mask": mask}
        want, got = (session.run(None, feed) for session in sessions)
        if [part.shape for part in got] != [part.shape for part in want]:
            raise ParityError("the exported graph has outputs of other shapes")
        if not all(np.isfinite(part).all() for part in got):
            raise ParityError("the exported graph returns values that are not finite")
        least = min(least, float((got[0] * want[0]).sum(-1).min()))
    if least < MIN_COSINE:
        raise ParityError(
            f"an embedding of the exported graph has cosine {least:.3f} to that of float32"
        )
    return least


def run_graph(path: Path, ids: Sequence[Sequence[int]], size: int = _BATCH) -> tuple[Tensor, ...]:
    """Embeddings (n, d) and logits (n, 3) of a graph, in batches as in serving.

    For a graph with logits of tokens, also their mean for each text (n, 3).
    """
    session = _session(path)

    def encode(tokens: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        feed = {"input_ids": tokens.numpy(), "attention_mask": mask.numpy()}
        outputs = [torch.from_numpy(part) for part in session.run(None, feed)]
        return (*outputs[:2], *(mean_pool(part, mask) for part in outputs[2:]))

    return reviews.map_batches(ids, size, encode)


def batch_difference(path: Path, ids: Sequence[Sequence[int]]) -> float:
    """Largest difference between the answer for a text alone and in a batch.

    The batches have texts of similar lengths, as in serving, or all texts, with much padding.

    Returns:
        The difference of an embedding's component or of a probability.
    """

    def answers(size: int) -> Tensor:
        embedding, *logits = run_graph(path, ids, size)
        return torch.cat([embedding, *(part.softmax(-1) for part in logits)], -1)

    alone, *batched = map(answers, (1, _BATCH, len(ids)))
    return max(float((answer - alone).abs().max()) for answer in batched)


def check_independence(path: Path, ids: Sequence[Sequence[int]]) -> float:
    """The result of ``batch_difference``, at most TOLERANCE.

    Raises:
        ParityError: it is above TOLERANCE.
    """
    difference = batch_difference(path, ids)
    if difference > TOLERANCE:
        raise ParityError(
            f"an answer of the exported graph depends on the batch: it differs by {difference:.2e},"
            f" more than {TOLERANCE:.0e}"
        )
    return difference


def text_agreement(plain: Path, served: Path, ids: Sequence[Sequence[int]]) -> dict[str, float]:
    """Agreement of the exported graph with float32 on real texts.

    Returns:
        ``texts``, their number; ``same_label``, the share with the same label; ``mean_cosine`` of
        the embeddings, including the alignment of the projection; ``same_token_label``, for a
        graph with logits of tokens, the share with the same label by the mean of those.

    Raises:
        ParityError: fewer than MIN_SAME_LABEL of the labels are the same.
    """
    wanted, got = (run_graph(path, ids) for path in (plain, served))
    pairs = zip(wanted[1:], got[1:], strict=True)
    shares = [float((a.argmax(-1) == b.argmax(-1)).float().mean()) for a, b in pairs]
    if min(shares) < MIN_SAME_LABEL:
        raise ParityError(
            f"the exported graph agrees with float32 on only {min(shares):.3f} of the labels"
        )
    return {
        "texts": len(ids),
        **dict(zip(("same_label", "same_token_label"), shares, strict=False)),
        "mean_cosine": float((wanted[0] * got[0]).sum(-1).mean()),
    }
