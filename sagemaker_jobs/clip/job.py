"""Writes a model folder: an encoder for sentiments, and two towers for one space of vectors."""

import hashlib
import logging
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from sagemaker_jobs.clip import samples
from sagemaker_jobs.clip.checkpoint import load_model, open_checkpoint
from sagemaker_jobs.clip.compare import Exported, Inputs, export
from sagemaker_jobs.clip.config import ClipConfig
from sagemaker_jobs.clip.errors import CheckpointError
from sagemaker_jobs.clip.figures import of_sentiment
from sagemaker_jobs.clip.preparation import read_preparation
from sagemaker_jobs.clip.tokens import read_tokenizer
from sagemaker_jobs.clip.towers import PictureTower, TextTower
from sagemaker_jobs.train.base import sha256_of
from shared.pictures.prepare import prepare
from shared.schemas.formats import MODEL
from shared.schemas.joint import (
    PICTURE_TOWER,
    TEXT_TOKENIZER,
    TEXT_TOWER,
    TOWERS,
    JointSpace,
    Preparation,
)
from shared.schemas.manifest import DECISIONS, FileEntry, Manifest

log = logging.getLogger("clip")
MANIFEST = "manifest.json"
_SENTIMENT_FILES = ("model.onnx", "tokenizer.json")
SENTIMENT = "sentiment"
"""Parameter with the parameters of the encoder for sentiments."""
_HASH_CHARACTERS = 8
_MAX_NAME = 100


def run(config: ClipConfig) -> Manifest:
    """Write the model folder; its manifest is written last.

    Raises:
        CheckpointError: the checkpoint is not available or not supported.
        ParityError: a graph's vectors differ from those of torch.
    """
    if config.output_dir.resolve() == config.sentiment_dir.resolve():
        raise CheckpointError("output_dir: it is sentiment_dir; choose another folder")
    base = Manifest.model_validate_json((config.sentiment_dir / MANIFEST).read_bytes())
    checkpoint = open_checkpoint(config.source)
    preparation = read_preparation(checkpoint)
    model = load_model(checkpoint)
    text, picture = TextTower(model), PictureTower(model)
    tokenizer = read_tokenizer(checkpoint, text.config.max_position_embeddings)
    output = config.output_dir
    output.mkdir(parents=True, exist_ok=True)
    (output / MANIFEST).unlink(missing_ok=True)
    measured = {
        "text": export(text, _ids(tokenizer), output / TEXT_TOWER, config),
        "picture": export(picture, _pixels(preparation), output / PICTURE_TOWER, config),
    }
    log.info("text %s, picture %s", *(each.record for each in measured.values()))
    if measured["text"].dimension != measured["picture"].dimension:
        raise CheckpointError(f"{checkpoint.source}: its towers have vectors of different lengths")
    tokenizer.save(str(output / TEXT_TOKENIZER))
    for name in _SENTIMENT_FILES:
        shutil.copyfile(config.sentiment_dir / name, output / name)
    joint = JointSpace(
        source=checkpoint.source,
        sentiment=base.joint.sentiment if base.joint else base.version,
        picture=preparation,
    )
    manifest = _manifest(base, joint, measured, output)
    (output / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return manifest


def _manifest(
    base: Manifest, joint: JointSpace, measured: dict[str, Exported], folder: Path
) -> Manifest:
    """The manifest: limits, rules and metrics of the sentiments are those of the encoder."""
    names = (*_SENTIMENT_FILES, TEXT_TOWER, PICTURE_TOWER, TEXT_TOKENIZER)
    files = {name: _entry(folder / name) for name in names}
    content = "".join(entry.sha256 for entry in files.values()) + joint.model_dump_json()
    digest = hashlib.sha256(content.encode()).hexdigest()[:_HASH_CHARACTERS]
    rules = {DECISIONS: base.parameters[DECISIONS]} if DECISIONS in base.parameters else {}
    towers = {name: each.record for name, each in measured.items()}
    return Manifest(
        format=MODEL.version,
        kind="model",
        version=f"{_name(joint.source)}-{digest}",
        created_at=datetime.now(UTC).replace(microsecond=0),
        files=files,
        dimension=measured["text"].dimension,
        labels=base.labels,
        max_tokens=base.max_tokens,
        tail_tokens=base.tail_tokens,
        joint=joint,
        # those of the encoder below a name: what they say of its vectors is not true of these
        parameters={
            **rules,
            TOWERS: towers,
            SENTIMENT: base.parameters.get(SENTIMENT, base.parameters),
        },
        metrics={split: of_sentiment(figures) for split, figures in base.metrics.items()},
    )


def _name(source: str) -> str:
    """The name of a checkpoint as part of a version."""
    last = source.partition("@")[0].rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9.-]+", "-", last).strip(".-")[:_MAX_NAME] or "clip"


def _entry(path: Path) -> FileEntry:
    return FileEntry(sha256=sha256_of(path), bytes=path.stat().st_size)


def _ids(tokenizer: Tokenizer) -> Inputs:
    return [np.array([tokenizer.encode(text).ids], np.int64) for text in samples.TEXTS]


def _pixels(preparation: Preparation) -> Inputs:
    return [prepare(each, preparation)[None] for each in samples.pictures()]
