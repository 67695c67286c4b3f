"""Rows for the labelled parts of texts, whose sentiment comes from the logits of their tokens."""

import numpy as np

from sagemaker_jobs.evaluate.metrics import Floats
from sagemaker_jobs.evaluate.model import ScoredModel
from sagemaker_jobs.evaluate.rows import Rows
from shared.runtime.spans import span_logits
from shared.schemas.decisions import Kind

SUFFIX = ":spans"


def span_rows(model: ScoredModel, rows: Rows) -> tuple[Rows, Floats] | None:
    """The labelled spans of texts as rows of the kind sentence, and their logits (n, 3).

    Spans that the model did not read are left out.

    Args:
        model: The model.
        rows: Texts, with or without spans.

    Returns:
        None if there are no spans or the model has no logits of tokens.
    """
    chosen = [index for index, spans in enumerate(rows.spans) if spans]
    if not chosen or not model.has_tokens:
        return None
    tokens = model.read_tokens([rows.texts[index] for index in chosen])
    texts, labels, logits, sources = [], [], [], []
    for index, read in zip(chosen, tokens, strict=True):
        spans = rows.spans[index]
        means = span_logits(read, [(start, end) for start, end, _ in spans])
        for (start, end, label), mean in zip(spans, means, strict=True):
            if mean is not None:
                # the place makes the text of a row unique
                texts.append(f"{rows.texts[index]}[{start}:{end}]")
                labels.append(label)
                logits.append(mean)
                sources.append(rows.columns["source"][index] if "source" in rows.columns else "")
    columns = {"source": np.array(sources), "kind": np.full(len(texts), Kind.SENTENCE.value)}
    if not texts:
        return None
    return Rows(texts, np.array(labels), columns), np.stack(logits)
