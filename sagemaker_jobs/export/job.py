"""Export, with parity checks that stop a wrong artefact."""

import hashlib
import json
import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from tokenizers import Tokenizer

from sagemaker_jobs.export.align import align
from sagemaker_jobs.export.config import ExportConfig
from sagemaker_jobs.export.graph import export_float, quantise
from sagemaker_jobs.export.smooth import smooth
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.data import LABELS
from sagemaker_jobs.train.model import ReviewEncoder, load_model
from sagemaker_jobs.train.teacher import base_embeddings
from shared.runtime.tokens import load_tokenizer

log = logging.getLogger("export")
TOLERANCE = 1e-4
AGREEMENT = 0.9
CALIBRATION_TEXTS = 256
CALIBRATION_TOKENS = 128
SHAPES = ((1, 1), (1, 2), (1, 17), (3, 64), (5, 33), (8, 128))


class ParityError(RuntimeError):
    """The exported graph does not answer as the torch module does."""


def probe(rows: int, tokens: int, vocabulary: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Deterministic token ids and masks of an odd shape, the last row half padded."""
    random = np.random.default_rng(rows * 1000 + tokens)
    ids = random.integers(5, vocabulary, (rows, tokens), dtype=np.int64)
    mask = np.ones_like(ids)
    mask[-1, max(1, tokens // 2) :] = 0
    return ids, mask


def float_parity(model: ReviewEncoder, path: Path) -> float:
    """Largest difference between torch and the float32 graph over SHAPES.

    Raises:
        ParityError: it is above TOLERANCE.
    """
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for rows, tokens in SHAPES:
        ids, mask = probe(rows, tokens, model.encoder.config.vocab_size)
        with torch.no_grad():
            expected = model(torch.from_numpy(ids), torch.from_numpy(mask))
        found = session.run(None, {"input_ids": ids, "attention_mask": mask})
        for want, got in zip(expected, found, strict=True):
            worst = max(worst, float(np.abs(want.numpy() - got).max()))
    if worst > TOLERANCE:
        msg = f"float32 graph differs from torch by {worst:.2e}, more than {TOLERANCE:.0e}"
        raise ParityError(msg)
    return worst


def served_agreement(plain: Path, served: Path, vocabulary: int) -> float:
    """Least cosine between the embeddings of the float32 graph and of the one that ships.

    Raises:
        ParityError: the graph that ships gives other shapes, values that are not finite, or
            embeddings that point elsewhere.
    """
    sessions = [
        ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for path in (plain, served)
    ]
    least = 1.0
    for rows, tokens in SHAPES:
        ids, mask = probe(rows, tokens, vocabulary)
        feed = {"input_ids": ids, "attention_mask": mask}
        (want, _), (got, logits) = (session.run(None, feed) for session in sessions)
        if got.shape != want.shape or logits.shape != (rows, len(LABELS)):
            raise ParityError("the graph that ships has other outputs")
        if not (np.isfinite(got).all() and np.isfinite(logits).all()):
            raise ParityError("the graph that ships gives values that are not finite")
        least = min(least, float((got * want).sum(-1).min()))
    if least < AGREEMENT:
        msg = f"an embedding of the graph that ships has cosine {least:.3f} to that of float32"
        raise ParityError(msg)
    return least


def _entry(path: Path) -> dict[str, object]:
    body = path.read_bytes()
    return {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}


def _write_tokenizer(run_dir: Path, output: Path) -> None:
    """tokenizer.json without truncation or padding: serving sets its own."""
    load_tokenizer(run_dir / "tokenizer.json").save(str(output))


def _smoothed(config: ExportConfig) -> ReviewEncoder:
    """The trained model, made ready for int8 where there are texts to look at."""
    model = load_model(config.run_dir)
    if config.precision == "int8" and config.calibration is not None:
        texts = reviews.read(config.calibration).texts[:CALIBRATION_TEXTS]
        tokenizer = Tokenizer.from_file(str(config.run_dir / "tokenizer.json"))
        smooth(model, reviews.tokenise(tokenizer, texts, CALIBRATION_TOKENS), config.smoothing)
    return model


def _align(config: ExportConfig, path: Path, training: TrainConfig) -> float | None:
    """Fit the projection of a quantised graph; the mean cosine to the base embeddings after it."""
    if config.calibration is None or not config.alignment_rows:
        return None
    texts = reviews.read(config.calibration).texts
    texts = texts[:: max(1, len(texts) // config.alignment_rows)][: config.alignment_rows]
    tokenizer = Tokenizer.from_file(str(config.run_dir / "tokenizer.json"))
    ids = reviews.tokenise(tokenizer, texts, training.served_tokens, training.served_tail_tokens)
    return align(path, ids, torch.from_numpy(base_embeddings(training.model_name, ids)))


def run(config: ExportConfig) -> dict[str, object]:
    """Write the artefact; returns the manifest."""
    model = load_model(config.run_dir)
    record = json.loads((config.run_dir / "run.json").read_text(encoding="utf-8"))
    training = TrainConfig(
        **record["parameters"], train_dir=config.run_dir, output_dir=config.run_dir
    )
    cosine = None
    output = config.output_dir
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "float32.onnx"
        export_float(_smoothed(config), plain)
        difference = float_parity(model, plain)
        log.info("float32 parity %.2e", difference)
        served = Path(folder) / "model.onnx"
        if config.precision == "int8":
            quantise(plain, served, reduce_range=config.reduce_range)
        else:
            served.write_bytes(plain.read_bytes())
        least = served_agreement(plain, served, model.encoder.config.vocab_size)
        if config.precision == "int8":
            cosine = _align(config, served, training)
        (output / "model.onnx").write_bytes(served.read_bytes())
    _write_tokenizer(config.run_dir, output / "tokenizer.json")
    files = {name: _entry(output / name) for name in ("model.onnx", "tokenizer.json")}
    manifest: dict[str, object] = {
        "kind": "model",
        "version": f"{config.family}-{str(files['model.onnx']['sha256'])[:8]}",
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
        "dimension": model.encoder.config.hidden_size,
        "labels": list(LABELS),
        "max_tokens": training.served_tokens,
        "tail_tokens": training.served_tail_tokens,
        "parameters": {
            "precision": config.precision,
            "reduce_range": config.reduce_range,
            "smoothing": config.smoothing if config.calibration is not None else None,
            "float32_parity": difference,
            "float32_cosine": least,
            "base_cosine": cosine,
            "training": record,
        },
        "metrics": {},
    }
    (output / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest
