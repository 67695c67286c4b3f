"""Exports a trained model, with parity checks that stop a wrong artefact."""

import hashlib
import json
import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from sagemaker_jobs.distil.model import TEACHER_FILE
from sagemaker_jobs.distil.predict import load_run
from sagemaker_jobs.export import arithmetic, parity, samples
from sagemaker_jobs.export.align import align
from sagemaker_jobs.export.config import ExportConfig
from sagemaker_jobs.export.graph import export_float, quantise
from sagemaker_jobs.export.rounding import round_weights
from sagemaker_jobs.export.smooth import smooth
from sagemaker_jobs.export.static import calibrate, make_static
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.data import LABELS
from sagemaker_jobs.train.encoder import ReviewEncoder
from sagemaker_jobs.train.teacher import base_embeddings
from shared.runtime.tokens import load_tokenizer

log = logging.getLogger("export")
_RUN_FILES = ("config.json", "run.json", "tokenizer.json")
_WEIGHT_FILES = ("model.safetensors", TEACHER_FILE)


class Export:
    """A trained run and the texts for its export."""

    def __init__(self, config: ExportConfig) -> None:
        missing = [name for name in _RUN_FILES if not (config.run_dir / name).is_file()]
        if not any((config.run_dir / name).is_file() for name in _WEIGHT_FILES):
            missing.append(" or ".join(_WEIGHT_FILES))
        if missing:
            raise FileNotFoundError(
                f"run_dir: the folder {config.run_dir} lacks {', '.join(missing)}; "
                "weights are read only as safetensors"
            )
        self.config = config
        self.record: dict[str, Any] = json.loads((config.run_dir / "run.json").read_text("utf-8"))
        self.training = TrainConfig(
            **self.record["parameters"], train_dir=config.run_dir, output_dir=config.run_dir
        )
        self.embeds: bool = self.record.get("embeds", True)
        self.model = self._load()
        self.texts = reviews.read_labelled(config.calibration).texts if config.calibration else []

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Token ids as in serving."""
        limits = self.training.served_tokens, self.training.served_tail_tokens
        return reviews.tokenise(self._tokenizer(), texts, *limits)

    def float32(self, path: Path) -> float:
        """Write the float32 graph, smoothed if there are texts; returns its difference to torch."""
        export_float(self._smoothed(), path)
        return parity.float_parity(self.model, path)

    def int8(self, plain: Path, served: Path) -> dict[str, object]:
        """Quantise, align and measure the exported graph; returns its part of the manifest."""
        wide = served.with_name("wide.onnx")
        quantise(plain, served, reduce_range=self.config.reduce_range)
        quantise(plain, wide, reduce_range=False)
        self._fix_scales(plain, served, wide)
        rounding_rows = self._round(plain, served)
        arithmetic.check_bound(served)
        vocabulary = self.model.encoder.config.vocab_size
        least_cosine = parity.served_agreement(plain, served, vocabulary)
        base_cosine = self._align(served)
        held_out = self.ids(samples.held_out_texts(self.texts, self.config.alignment_rows))
        sample = held_out[: samples.ARITHMETIC_TEXTS] or samples.random_ids(vocabulary)
        return {
            "smoothing": self._smoothing() if self.texts else None,
            "activations": self.config.activations,
            "rounding_rows": rounding_rows,
            "float32_cosine": least_cosine,
            "base_cosine": base_cosine,
            "agreement": parity.text_agreement(plain, served, held_out) if held_out else None,
            "batch_difference": self._batch_difference(served, sample),
            "arithmetic": arithmetic.report(served, wide, sample),
        }

    def _load(self) -> nn.Module:
        """The trained model, without what is not exported."""
        model = load_run(self.config.run_dir)
        if isinstance(model, ReviewEncoder) and not self.config.tokens:
            model.tokens = None
        return model

    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(self.config.run_dir / "tokenizer.json"))

    def _smoothing(self) -> float | str:
        return "least error" if self.config.smoothing is None else self.config.smoothing

    def _smoothed(self) -> nn.Module:
        """The trained model, smoothed for int8 if there are texts."""
        model = self._load()
        if self.config.precision == "int8" and self.texts:
            texts = self.texts[: samples.SMOOTHING_TEXTS]
            ids = reviews.tokenise(self._tokenizer(), texts, samples.SMOOTHING_TOKENS)
            smooth(model, ids, self.config.smoothing)
        return model

    def _fix_scales(self, plain: Path, *quantised: Path) -> None:
        """Give the quantised graphs constant scales, if the configuration says so."""
        if self.config.activations == "dynamic":
            return
        ids = self.ids(samples.alignment_texts(self.texts, samples.SCALE_TEXTS))
        ids = ids or samples.random_ids(self.model.encoder.config.vocab_size)
        grids = calibrate(plain, quantised[0], ids)
        for path in quantised:
            make_static(path, grids)

    def _batch_difference(self, path: Path, ids: list[list[int]]) -> float:
        """How much an answer depends on its batch; with static scales, it must not."""
        if self.config.activations == "dynamic":
            return parity.batch_difference(path, ids)
        return parity.check_independence(path, ids)

    def _round(self, plain: Path, served: Path) -> int:
        """Round the weights by their products' inputs; returns the number of texts."""
        texts = samples.rounding_texts(self.texts, self.config.rounding_rows)
        if texts:
            ids = reviews.tokenise(self._tokenizer(), texts, *samples.ROUNDING_TOKENS)
            round_weights(plain, served, ids)
        return len(texts)

    def _align(self, path: Path) -> float | None:
        """Fit the projection of a quantised graph; returns its mean cosine to the base encoder."""
        if not (self.embeds and self.texts and self.config.alignment_rows):
            return None
        ids = self.ids(samples.alignment_texts(self.texts, self.config.alignment_rows))
        training = self.training
        target = base_embeddings(
            training.model_name, ids, allow_unpinned=training.allow_unpinned_encoder
        )
        return align(path, ids, torch.from_numpy(target))


def _entry(path: Path) -> dict[str, object]:
    body = path.read_bytes()
    return {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}


def run(config: ExportConfig) -> dict[str, object]:
    """Write the artefact and return its manifest.

    Raises:
        FileNotFoundError: the run's folder is incomplete, or the base encoder is not available.
        ParityError: a graph's results differ from the model's.
        SaturationError: its results would depend on the processor.
    """
    export = Export(config)
    output = config.output_dir
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        plain, served = Path(folder) / "float32.onnx", Path(folder) / "model.onnx"
        difference = export.float32(plain)
        log.info("float32 parity %.2e", difference)
        int8: dict[str, object] = {}
        if config.precision == "int8":
            int8 = export.int8(plain, served)
        else:
            served = plain
        (output / "model.onnx").write_bytes(served.read_bytes())
    # without truncation or padding: serving sets its own
    load_tokenizer(config.run_dir / "tokenizer.json").save(str(output / "tokenizer.json"))
    manifest = _manifest(export, {"float32_parity": difference, **int8})
    (output / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def _manifest(export: Export, measured: dict[str, object]) -> dict[str, object]:
    config, training = export.config, export.training
    names = ("model.onnx", "tokenizer.json")
    files = {name: _entry(config.output_dir / name) for name in names}
    return {
        "kind": "model",
        "version": f"{config.family}-{str(files['model.onnx']['sha256'])[:8]}",
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
        "dimension": export.model.encoder.config.hidden_size,
        "embeds": export.embeds,
        "labels": list(LABELS),
        "max_tokens": training.served_tokens,
        "tail_tokens": training.served_tail_tokens,
        "parameters": {
            "precision": config.precision,
            "encoder": export.model.encoder.config.model_type,
            "reduce_range": config.reduce_range,
            **measured,
            "training": export.record,
        },
        "metrics": {},
    }
