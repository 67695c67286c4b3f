"""Fine-tunes the teacher on stars, sentences and terms."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import cross_entropy, nll_loss

from sagemaker_jobs.distil import rows as labelled
from sagemaker_jobs.distil.config import SMOOTHING, TRAIN_FIELDS, TeacherConfig
from sagemaker_jobs.distil.fit import choose_device, fit, train_or_load
from sagemaker_jobs.distil.model import (
    TEACHER_FILE,
    Teacher,
    TeacherOutput,
    base_encoder,
    group_stars,
)
from sagemaker_jobs.distil.rows import LabelledText
from sagemaker_jobs.distil.texts import Batch, TokenSet, pool_spans, tokenise
from sagemaker_jobs.train.base import base_folder
from shared.runtime.tokens import load_tokenizer

log = logging.getLogger("distil")
_SHORT_REVIEW_CHARACTERS = 160
_SHORT_REVIEW_WEIGHT = 0.3
"""Weight of a review of one sentence as a sentence: its stars usually say what it says."""


class TeacherLoss:
    """The sum of three losses: stars of reviews, sentiment of sentences, sentiment of spans."""

    def __init__(self, model: Teacher, rows: list[LabelledText], device: torch.device) -> None:
        self._model = model

        def column(values: list[float], dtype: torch.dtype) -> Tensor:
            return torch.tensor(values, dtype=dtype, device=device)

        self._stars = column([row.stars - 1 for row in rows], torch.long)
        self._sentiments = column([row.sentiment for row in rows], torch.long)
        self._as_review = column([float(not row.is_sentence) for row in rows], torch.float32)
        self._as_sentence = column([sentence_weight(row) for row in rows], torch.float32)
        self._spans = column([s for row in rows for *_, s in row.spans] or [0], torch.long)

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        output: TeacherOutput = self._model(batch.ids, batch.mask)
        rows = batch.rows
        sentiments, count = self._sentiments[rows], len(rows)
        stars = self._stars[rows]
        known = stars >= 0
        by_stars = cross_entropy(
            output.stars.float(), stars.clamp(min=0), reduction="none", label_smoothing=SMOOTHING
        )
        by_group = nll_loss(group_stars(output.stars), sentiments, reduction="none")
        review = (torch.where(known, by_stars, by_group) * self._as_review[rows]).sum() / count
        by_sentence = cross_entropy(
            output.sentence.float(), sentiments, reduction="none", label_smoothing=SMOOTHING
        )
        sentence = (by_sentence * self._as_sentence[rows]).sum() / count
        if not len(batch.spans):
            return review + sentence + 0 * output.tokens.sum()
        pooled = pool_spans(output.tokens.float(), batch.spans)
        spans = cross_entropy(pooled, self._spans[batch.span_rows], label_smoothing=SMOOTHING)
        return review + sentence + spans * min(1.0, 2 * len(batch.spans) / count)


def sentence_weight(row: LabelledText) -> float:
    """How much a row counts as a sentence."""
    if row.is_sentence:
        return 1.0
    short = (
        len(row.text) <= _SHORT_REVIEW_CHARACTERS and len(labelled.sentence_spans(row.text)) == 1
    )
    return _SHORT_REVIEW_WEIGHT if short and row.sentiment != 1 else 0.0


def train(model: Teacher, folder: Path, config: TeacherConfig) -> dict[str, object]:
    """Train a teacher in place; returns what belongs in the record of the run.

    Args:
        model: The teacher.
        folder: The folder of its base encoder.
        config: The parameters.
    """
    device = choose_device(config)
    rows = labelled.training_rows(config)
    log.info("%d rows", len(rows))
    tokens = TokenSet(
        tokenise(
            load_tokenizer(folder / "tokenizer.json"),
            [row.text for row in rows],
            [[(start, end) for start, end, _ in row.spans] for row in rows],
            config.max_tokens,
            config.tail_tokens,
        ),
        device,
    )
    model.to(device)
    steps = fit(model, tokens, np.arange(len(rows)), TeacherLoss(model, rows, device), config)
    return {"rows": len(rows), "steps": steps}


def run(config: TeacherConfig) -> dict[str, object]:
    """Train and save the teacher; returns the record of the run.

    Raises:
        ValueError: ``weights`` are of another teacher.
    """
    torch.manual_seed(config.seed)
    folder = base_folder(config.model_name)
    model = Teacher(base_encoder(folder))
    trained = train_or_load(model, config, lambda: train(model, folder, config))
    config.output_dir.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().to("cpu", torch.bfloat16) for k, v in model.state_dict().items()}
    save_file(state, config.output_dir / TEACHER_FILE)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(folder / name, config.output_dir / name)
    record: dict[str, object] = {
        "parameters": {name: getattr(config, name) for name in TRAIN_FIELDS},
        "embeds": False,
        "teacher": config.recorded(),
        **trained,
    }
    (config.output_dir / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    return record
