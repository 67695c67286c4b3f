"""Trains the student on the labels of the teacher."""

import json
import logging
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from sagemaker_jobs.distil import rows as labelled
from sagemaker_jobs.distil.config import SMOOTHING, TRAIN_FIELDS, StudentConfig
from sagemaker_jobs.distil.fit import choose_device, fit, train_or_load
from sagemaker_jobs.distil.label import read_labels, text_key
from sagemaker_jobs.distil.model import base_encoder, new_student
from sagemaker_jobs.distil.predict import predict
from sagemaker_jobs.distil.rows import LabelledText
from sagemaker_jobs.distil.texts import Batch, Span, TokenSet, pool_spans, tokenise
from sagemaker_jobs.train.base import base_folder
from sagemaker_jobs.train.encoder import ReviewEncoder, mean_pool
from sagemaker_jobs.train.model import save_model
from sagemaker_jobs.train.record import file_hash, git_commit
from shared.runtime.tokens import load_tokenizer

log = logging.getLogger("distil")
_TERM_WEIGHT = 2.0
"""Weight of a span whose sentiment is known, beside one that the teacher labelled."""
_WHOLE_REVIEW_WEIGHT = 0.3
"""Weight of a whole review as a span: the mean of its tokens says what its stars say."""

Labels = dict[int, tuple[np.ndarray, np.ndarray]]


class Targets(NamedTuple):
    """A text with its target (3,), and its spans with targets (s, 3) and weights (s,)."""

    text: str
    target: np.ndarray
    spans: list[Span]
    span_targets: list[np.ndarray]
    span_weights: list[float]


def known_target(sentiment: int) -> np.ndarray:
    """The target (3,) of a text or span whose sentiment is known."""
    target: np.ndarray = (1 - SMOOTHING) * np.eye(3)[sentiment] + SMOOTHING / 3
    return target


def known_targets_of(row: LabelledText) -> Targets:
    """What the student learns of a labelled row without a teacher."""
    target = known_target(row.sentiment)
    whole = 1.0 if row.is_sentence else _WHOLE_REVIEW_WEIGHT
    return Targets(
        row.text,
        target,
        [(0, len(row.text)), *((start, end) for start, end, _ in row.spans)],
        [target, *(known_target(sentiment) for *_, sentiment in row.spans)],
        [whole, *[_TERM_WEIGHT] * len(row.spans)],
    )


def targets_of(row: LabelledText, labels: Labels, hard_share: float) -> Targets:
    """What the student learns of a labelled row from the teacher's labels and its own."""
    stars, sentence = labels[text_key(row.text)]
    spans = labelled.sentence_spans(row.text)
    if row.is_sentence:
        soft = sentence
    elif len(spans) <= 1:
        soft = (stars + sentence) / 2
    else:
        soft = stars
    target = (1 - hard_share) * soft + hard_share * np.eye(3)[row.sentiment]
    kept, span_targets, weights = [], [], []
    for start, end in spans:
        known = labels.get(text_key(row.text[start:end]))
        if known is not None:
            kept.append((start, end))
            span_targets.append(known[1])
            weights.append(1.0)
    for start, end, sentiment in row.spans:
        kept.append((start, end))
        span_targets.append(known_target(sentiment))
        weights.append(_TERM_WEIGHT)
    return Targets(row.text, target, kept, span_targets, weights)


def training_targets(config: StudentConfig) -> list[Targets]:
    """Labelled rows, and with a teacher a sample of their sentences as texts of their own."""
    rows = labelled.training_rows(config)
    if config.labels is None:
        return [known_targets_of(row) for row in rows]
    labels = read_labels(config.labels)
    targets = [targets_of(row, labels, config.hard_share) for row in rows]
    texts = {row.text for row in rows}
    pieces = {t.text[a:b] for t in targets for a, b in t.spans} - texts
    order = sorted(pieces, key=text_key)[: config.pieces]
    for piece in order:
        known = labels.get(text_key(piece))
        if known is not None:
            targets.append(Targets(piece, known[1], [(0, len(piece))], [known[1]], [1.0]))
    return targets


class StudentLoss:
    """Divergence from the targets of texts and spans, and distance to the base embedding.

    ``base`` (n, d) are the base embeddings of the first n texts; those of others are not held.
    """

    def __init__(
        self,
        model: ReviewEncoder,
        targets: list[Targets],
        base: Tensor,
        config: StudentConfig,
        device: torch.device,
    ) -> None:
        self._model, self._base, self._config = model, base, config

        def column(values: list[object]) -> Tensor:
            return torch.tensor(np.asarray(values, np.float32), device=device)

        self._targets = column([entry.target for entry in targets])
        self._span_targets = column([s for e in targets for s in e.span_targets] or [[0, 0, 0]])
        self._span_weights = column([w for e in targets for w in e.span_weights] or [0])

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        hidden = self._model.hidden(batch.ids, batch.mask)
        logits, token_logits = self._model.sentiment(hidden, batch.ids, batch.mask)
        loss = _divergence(logits, self._targets[batch.rows]).mean()
        if len(batch.spans):
            pooled = pool_spans(token_logits.float(), batch.spans)
            weights = self._span_weights[batch.span_rows]
            spans = _divergence(pooled, self._span_targets[batch.span_rows]) * weights
            loss = loss + self._config.token_weight * spans.sum() / weights.sum()
        held = batch.rows < len(self._base)
        if held.any():
            embedding = self._model.embedding(mean_pool(hidden[held], batch.mask[held]))
            base, own = self._base[batch.rows[held]].float(), embedding.float()
            loss = loss + self._config.cosine_weight * (1 - (own * base).sum(-1)).mean()
            matrix = nn.functional.mse_loss(own @ own.T, base @ base.T)
            loss = loss + self._config.similarity_weight * matrix
        return loss


def _divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy with soft targets: (b, 3), (b, 3) -> (b,)."""
    return -(targets * log_softmax(logits.float(), -1)).sum(-1)


def train(model: ReviewEncoder, folder: Path, config: StudentConfig) -> dict[str, object]:
    """Train a student in place; returns what belongs in the record of the run.

    Args:
        model: The student.
        folder: The folder of its base encoder.
        config: The parameters.
    """
    device = choose_device(config)
    targets = training_targets(config)
    random.Random(config.seed).shuffle(targets)  # noqa: S311 - order of rows
    log.info("%d texts, %d spans", len(targets), sum(len(t.spans) for t in targets))
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    limits = config.max_tokens, config.tail_tokens
    tokens = TokenSet(
        tokenise(tokenizer, [t.text for t in targets], [t.spans for t in targets], *limits), device
    )
    model.to(device)
    distils = config.embeds and config.shared_layers is None
    held = round(config.held_share * len(targets)) if distils else 0
    base = base_vectors(folder, tokens, held, device)
    loss = StudentLoss(model, targets, base, config, device)
    steps = fit(model, tokens, np.arange(len(targets)), loss, config)
    return {"texts": len(targets), "steps": steps}


def base_vectors(folder: Path, tokens: TokenSet, first: int, device: torch.device) -> Tensor:
    """Embeddings (n, d) of the first n texts by the base encoder, float16."""
    if not first:
        return torch.zeros(0, 0, device=device)
    reference = base_encoder(folder).to(device).eval()

    def embed(batch: Batch) -> tuple[Tensor]:
        hidden = reference(input_ids=batch.ids, attention_mask=batch.mask)[0]
        return (nn.functional.normalize(mean_pool(hidden.float(), batch.mask), dim=-1),)

    (vectors,) = predict(tokens, device, embed, first)
    return torch.tensor(vectors, dtype=torch.float16, device=device)


def run(config: StudentConfig) -> dict[str, object]:
    """Train and save the student; returns the record of the run.

    Raises:
        ValueError: shared_layers does not suit the encoder, or ``weights`` are of another student.
    """
    torch.manual_seed(config.seed)
    folder = base_folder(config.model_name)
    model = new_student(folder, config.layers, config.shared_layers, wide=config.wide)
    trained = train_or_load(model, config, lambda: train(model, folder, config))
    save_model(model.cpu(), folder, config.output_dir)
    record: dict[str, object] = {
        "parameters": {name: getattr(config, name) for name in TRAIN_FIELDS},
        "embeds": config.embeds,
        "student": config.recorded(),
        "has_teacher": config.labels is not None,
        **trained,
        "base_sha256": file_hash(folder / "model.safetensors"),
        "git_commit": git_commit(),
    }
    (config.output_dir / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    return record
