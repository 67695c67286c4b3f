"""Evaluates a teacher or a student in float32: texts, balanced stars, clauses, behaviours."""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from sagemaker_jobs.distil import rows as labelled
from sagemaker_jobs.distil.config import JudgeConfig
from sagemaker_jobs.distil.fit import choose_device
from sagemaker_jobs.distil.model import TEACHER_FILE, group_stars
from sagemaker_jobs.distil.predict import load_teacher, predict
from sagemaker_jobs.distil.rows import LabelledText
from sagemaker_jobs.distil.texts import Batch, TokenSet, pool_spans, tokenise
from sagemaker_jobs.evaluate.balance import balanced_stars
from sagemaker_jobs.evaluate.behaviours.measure import measure
from sagemaker_jobs.evaluate.metrics import Floats, classification
from sagemaker_jobs.train.model import load_model
from shared.runtime.decisions import Decided, decide
from shared.runtime.tokens import load_tokenizer
from shared.schemas.decisions import Rule

log = logging.getLogger("distil")

Outputs = Callable[[Batch], tuple[Tensor, Tensor, Tensor]]
"""Log probabilities (b, 3) as a review and as a sentence, and logits of each token (b, t, 3)."""


class Judge:
    """A model and the limits of its texts."""

    def __init__(self, config: JudgeConfig) -> None:
        self._device = choose_device(config)
        self._limits = config.max_tokens, config.tail_tokens
        folder = config.model_dir
        self._tokenizer = load_tokenizer(folder / "tokenizer.json")
        is_teacher = (folder / TEACHER_FILE).exists()
        self._outputs = (_teacher if is_teacher else _student)(folder, self._device)

    def read(self, rows: Sequence[LabelledText]) -> tuple[Floats, Floats]:
        """Log probabilities (n, 3) of the texts, and logits (s, 3) of their spans, nan if cut."""
        spans = [[(start, end) for start, end, _ in row.spans] for row in rows]
        texts = [row.text for row in rows]
        tokens = TokenSet(tokenise(self._tokenizer, texts, spans, *self._limits), self._device)
        of_spans = np.full((sum(map(len, spans)), 3), np.nan, np.float32)

        def outputs(batch: Batch) -> tuple[Tensor, Tensor]:
            review, sentence, token_logits = self._outputs(batch)
            if len(batch.spans):
                pooled = pool_spans(token_logits.float(), batch.spans)
                of_spans[batch.span_rows.cpu().numpy()] = pooled.cpu().numpy()
            return review, sentence

        review, sentence = np.exp(predict(tokens, self._device, outputs))
        share = np.asarray([sentence_share(row) for row in rows])[:, None]
        return np.log((1 - share) * review + share * sentence), of_spans

    def decide(self, texts: Sequence[str]) -> Decided:
        """The most probable labels of texts that are read as in an answer to a caller."""
        rows = [LabelledText(text, 0, 0, False, "") for text in texts]
        return decide(Rule(), np.exp(self.read(rows)[0]))


def sentence_share(row: LabelledText) -> float:
    """How far a text is read as a sentence: whole, if it is labelled as one, or half."""
    if row.is_sentence:
        return 1.0
    return 0.5 if len(labelled.sentence_spans(row.text)) <= 1 else 0.0


def _teacher(folder: Path, device: object) -> Outputs:
    model = load_teacher(folder).to(device)

    def outputs(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        output = model(batch.ids, batch.mask)
        return group_stars(output.stars), output.sentence.float().log_softmax(-1), output.tokens

    return outputs


def _student(folder: Path, device: object) -> Outputs:
    model = load_model(folder).to(device)

    def outputs(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        _, logits, tokens = model(batch.ids, batch.mask)
        log_probabilities = logits.float().log_softmax(-1)
        return log_probabilities, log_probabilities, tokens

    return outputs


def figures(rows: Sequence[LabelledText], logits: Floats, spans: Floats) -> dict[str, object]:
    """Figures of a split: all texts, a sample with equally many of each star, and spans."""
    labels = np.asarray([row.sentiment for row in rows])
    result: dict[str, object] = {"texts": _classified(logits, labels)}
    chosen = balanced_stars([row.stars for row in rows])
    if len(chosen):
        result["balanced_stars"] = _classified(logits[chosen], labels[chosen])
    known = np.asarray([sentiment for row in rows for *_, sentiment in row.spans], np.int64)
    read = ~np.isnan(spans).any(-1)
    if read.any():
        result["spans"] = _classified(spans[read], known[read])
    return result


def _classified(logits: Floats, labels: np.ndarray) -> dict[str, object]:
    neutral = labels == 1
    recall = float((logits[neutral].argmax(-1) == 1).mean()) if neutral.any() else None
    return {**classification(logits, labels), "neutral_recall": recall}


def run(config: JudgeConfig) -> dict[str, object]:
    """Write ``judge.json``: figures of each split, and of the behavioural suite."""
    judge = Judge(config)
    result: dict[str, object] = {}
    for split in config.splits:
        rows = labelled.read_rows(config.data_dir / f"{split}.parquet")
        if config.limit and len(rows) > config.limit:
            rows = [rows[place * len(rows) // config.limit] for place in range(config.limit)]
        result[split] = figures(rows, *judge.read(rows))
        log.info("%s: %s", split, result[split])
    result |= {name: each.model_dump() for name, each in measure(judge.decide).items()}
    config.output_dir.mkdir(parents=True, exist_ok=True)
    (config.output_dir / "judge.json").write_text(json.dumps(result, indent=1) + "\n")
    return result
