"""Fits a correction of a model's logits to labelled reviews and writes the new model."""

import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sagemaker_jobs.adapt.config import AdaptConfig
from sagemaker_jobs.adapt.correction import (
    Correction,
    Floats,
    Labels,
    fit,
    model_inputs,
)
from sagemaker_jobs.adapt.evaluation import Evaluated, write_evaluations
from sagemaker_jobs.adapt.graph import append_correction
from sagemaker_jobs.adapt.selection import choose, estimate, standard_error
from sagemaker_jobs.evaluate.figures import NAMES, figures, log_losses
from shared.errors import ArtefactError, InvalidInputError
from shared.runtime.decisions import decide
from shared.runtime.encoder import Encoder, open_folder
from shared.runtime.identities import replace_identities
from shared.runtime.probabilities import softmax
from shared.schemas.decisions import Rule
from shared.schemas.fusion import FUSION, HEAD_FILE
from shared.schemas.manifest import FileEntry, Manifest
from shared.schemas.sentiment import LABELS, sentiment_of_rating
from shared.storage.artefacts import MANIFEST, file_sha256

log = logging.getLogger("adapt")
MIN_ROWS = 30
TOLERANCE = 1e-4
_MODEL = "model.onnx"
_SUFFIX = "-adapted-"
_CHECKED_ROWS = 64


def run(config: AdaptConfig, texts: Sequence[str], stars: Sequence[float]) -> dict[str, object]:
    """Fit a correction, and write the new model's folder if it is significantly better.

    Args:
        config: Folders and cross-validation.
        texts: Texts of n reviews as the encoder reads them, without duplicates.
        stars: Ratings (n,) in 1..5.

    Returns:
        The report: ``rows``, ``classes``, cross-validated figures ``before`` and ``after``, their
        ``change`` with standard errors, the chosen ``strength``, ``seconds``, ``base``, and the
        new ``version``, which is None, with nothing written, if no correction is significantly
        better.

    Raises:
        InvalidInputError: too few reviews, only one class, or the output folder is not empty.
        ArtefactError: the model folder has no usable model, or the new model returns other
            probabilities than the fit.
    """
    started = time.monotonic()
    labels = _labels(stars)
    texts = [replace_identities(text).text for text in texts]  # as the sentiment of each is read
    _check_output(config.output_dir)
    base = open_folder(config.model_dir, threads=config.threads)
    _check_encoder(base.manifest)
    encoded = base.encode(texts)
    inputs = model_inputs(encoded.probabilities, encoded.embeddings)
    rng = np.random.default_rng(config.seed)
    options = {"folds": config.folds, "repeats": config.repeats}
    strength = choose(inputs, labels, **options, rng=rng)
    unseen = estimate(inputs, labels, **options, rng=rng)
    start = softmax(inputs.logits)
    report: dict[str, object] = {
        "base": base.version,
        "rows": len(labels),
        "classes": {str(name): int((labels == i).sum()) for i, name in enumerate(LABELS)},
        **_compare(start, unseen, labels, base.decisions.review),
        "strength": strength._asdict() if strength else None,
    }
    version = None
    if strength is not None:
        correction = fit(inputs, labels, strength)
        evaluated = Evaluated(texts, labels, start, unseen.mean(0))
        version = _write_folder(config, base, correction, report, evaluated)
    seconds = round(time.monotonic() - started, 2)
    log.info("%s to %s in %s s", base.version, version, seconds)
    return {**report, "version": version, "seconds": seconds}


def _labels(stars: Sequence[float]) -> Labels:
    if len(stars) < MIN_ROWS:
        raise InvalidInputError(
            f"adapting needs at least {MIN_ROWS} reviews with stars and text, not {len(stars)}"
        )
    labels = np.array([LABELS.index(sentiment_of_rating(value)) for value in stars])
    if len(set(labels.tolist())) == 1:
        raise InvalidInputError(
            f"all {len(labels)} reviews are {LABELS[labels[0]].value} by their stars: adapting"
            f" needs at least two of {', '.join(LABELS)}"
        )
    return labels


def _check_output(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InvalidInputError(f"{folder} is not empty: choose another output folder")


def _check_encoder(manifest: Manifest) -> None:
    """A correction reads the vectors of its encoder, so a model must have no others."""
    if manifest.joint is not None:
        raise InvalidInputError(
            f"model {manifest.version} has its sentiments from {manifest.joint.sentiment}: adapt"
            f" that, and import {manifest.joint.source} again with --sentiment and its version"
        )


def _compare(start: Floats, unseen: Floats, labels: Labels, rule: Rule) -> dict[str, object]:
    """Figures before and after, and the mean paired differences with their standard errors."""
    by_repeat = [figures(probabilities, labels, rule) for probabilities in unseen]
    after = {name: float(np.mean([repeat[name] for repeat in by_repeat])) for name in NAMES}
    correct = [decide(rule, each).labels == labels for each in unseen]
    accuracy_gain = np.mean(correct, axis=0) - (decide(rule, start).labels == labels)
    losses = np.mean([log_losses(probabilities, labels) for probabilities in unseen], axis=0)
    loss_gain = log_losses(start, labels) - losses
    return {
        "before": figures(start, labels, rule),
        "after": after,
        "change": {
            "accuracy": float(accuracy_gain.mean()),
            "accuracy_standard_error": standard_error(accuracy_gain),
            "log_loss": float(-loss_gain.mean()),
            "log_loss_standard_error": standard_error(loss_gain),
        },
    }


def _write_folder(
    config: AdaptConfig,
    base: Encoder,
    correction: Correction,
    report: dict[str, object],
    evaluated: Evaluated,
) -> str:
    """Write the folder under a temporary name, check it and rename it; returns the version."""
    texts = evaluated.texts
    output = config.output_dir.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as name:
        work = Path(name) / "model"
        work.mkdir()
        for other in base.manifest.files:
            if other not in {_MODEL, HEAD_FILE}:
                (work / other).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(config.model_dir / other, work / other)
        append_correction(config.model_dir / _MODEL, work / _MODEL, correction)
        manifest = _manifest(base.manifest, work, config, report)
        (work / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        _check_outputs(
            base, open_folder(work, threads=config.threads), correction, texts[:_CHECKED_ROWS]
        )
        write_evaluations(work, base=base.manifest, version=manifest.version, evaluated=evaluated)
        if output.exists():
            output.rmdir()
        work.rename(output)
    return manifest.version


def _manifest(
    base: Manifest, folder: Path, config: AdaptConfig, report: dict[str, object]
) -> Manifest:
    """The manifest of the base with a new graph and new metrics.

    ``embeddings_of`` names the version with the same embeddings, bit for bit, so that its stored
    embeddings can be reused.
    """
    entries = {
        name: FileEntry(sha256=file_sha256(folder / name), bytes=(folder / name).stat().st_size)
        for name in base.files
        if name != HEAD_FILE  # a head reads the probabilities that the adaptation changes
    }
    embeddings_of = str(base.parameters.get("embeddings_of", base.version))
    digest = entries[_MODEL].sha256[:8]
    return base.model_copy(
        update={
            "version": f"{embeddings_of[: 128 - len(_SUFFIX) - 8]}{_SUFFIX}{digest}",
            "created_at": datetime.now(UTC),
            "files": entries,
            "parameters": {
                **{name: value for name, value in base.parameters.items() if name != FUSION},
                "embeddings_of": embeddings_of,
                "adapted_from": base.version,
                "adaptation": {
                    **{name: report[name] for name in ("rows", "classes", "strength")},
                    **config.model_dump(include={"folds", "repeats", "seed"}),
                },
            },
            "metrics": {
                "adaptation": {name: report[name] for name in ("rows", "before", "after", "change")}
            },
        }
    )


def _check_outputs(
    base: Encoder, new: Encoder, correction: Correction, texts: Sequence[str]
) -> None:
    before, after = base.encode(texts), new.encode(texts)
    if not np.array_equal(before.embeddings, after.embeddings):
        raise ArtefactError("the new graph changes the embeddings")
    fitted = softmax(correction.apply(model_inputs(before.probabilities, before.embeddings)))
    worst = float(np.abs(fitted - after.probabilities).max())
    if worst > TOLERANCE:
        raise ArtefactError(f"the new graph's probabilities are off by {worst:.1e}")
