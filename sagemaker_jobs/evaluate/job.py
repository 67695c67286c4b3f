"""Run a model artefact over labelled texts and write its figures."""

import json
import logging
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
import torch
from tokenizers import Tokenizer
from torch import Tensor

from sagemaker_jobs.evaluate.config import EvaluateConfig
from sagemaker_jobs.evaluate.metrics import Floats, classification, recall_at
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.model import BUNDLED
from sagemaker_jobs.train.teacher import base_embeddings
from shared.runtime.session import open_session

log = logging.getLogger("evaluate")
RECALL_SEED = 7


def encode(
    session: ort.InferenceSession, ids: Sequence[Sequence[int]], size: int = 16
) -> tuple[Floats, Floats]:
    """Embeddings (n, d) and logits (n, 3) of tokenised texts, in their order."""

    def answer(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        feed = {"input_ids": tokens.numpy(), "attention_mask": mask.numpy()}
        embedding, logits = session.run(["embedding", "logits"], feed)
        return torch.from_numpy(embedding), torch.from_numpy(logits)

    embeddings, logits = reviews.over_batches(ids, size, answer)
    return embeddings.numpy(), logits.numpy()


def run(config: EvaluateConfig) -> dict[str, object]:
    """Evaluate every split; returns what the output file holds."""
    session = open_session(config.model_dir / "model.onnx", config.threads)
    tokenizer = Tokenizer.from_file(str(config.model_dir / "tokenizer.json"))
    manifest = json.loads((config.model_dir / "manifest.json").read_text(encoding="utf-8"))
    cut = (int(manifest["max_tokens"]), int(manifest.get("tail_tokens", 1)))
    figures: dict[str, object] = {}
    for name in config.splits.split(","):
        data = reviews.read(config.data_dir / f"{name}.parquet")
        rows = slice(0, config.limit or None)
        texts, labels = data.texts[rows], np.array(data.labels[rows])
        ids = reviews.tokenise(tokenizer, texts, *cut)
        embeddings, logits = encode(session, ids)
        entry = classification(logits, labels)
        sources = np.array(data.sources[rows])
        if len(set(sources)) > 1:
            entry["by_source"] = {
                str(source): classification(logits[sources == source], labels[sources == source])
                for source in sorted(set(sources))
            }
        if config.recall_rows and name != "dynasent":
            chosen = np.random.default_rng(RECALL_SEED).permutation(len(texts))
            chosen = chosen[: config.recall_rows]
            base = base_embeddings(BUNDLED, [ids[i] for i in chosen])
            entry["recall_at_10"] = recall_at(10, embeddings[chosen], base)
        figures[name] = entry
        log.info("%s %s", name, {k: v for k, v in entry.items() if k != "by_source"})
    config.output.parent.mkdir(parents=True, exist_ok=True)
    told = {"version": manifest["version"], **figures}
    config.output.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if config.record:
        manifest["metrics"] = figures
        body = json.dumps(manifest, indent=1) + "\n"
        (config.model_dir / "manifest.json").write_text(body, encoding="utf-8")
    return figures
