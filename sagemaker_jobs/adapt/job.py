"""Correct a model's logits by labelled reviews, and write the model that results."""

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
    inputs_of,
)
from sagemaker_jobs.adapt.figures import NAMES, figures, log_losses
from sagemaker_jobs.adapt.graph import append
from sagemaker_jobs.adapt.selection import choose, estimate, standard_error
from shared.errors import ArtefactError, InvalidInputError
from shared.runtime.encoder import Encoder, open_folder
from shared.runtime.probabilities import softmax
from shared.schemas.manifest import FileEntry, Manifest
from shared.schemas.sentiment import LABELS, sentiment_of_rating
from shared.storage.artefacts import MANIFEST, file_sha256

log = logging.getLogger("adapt")
LEAST_ROWS = 30
TOLERANCE = 1e-4
_MODEL = "model.onnx"
_SUFFIX = "-adapted-"
_CHECKED_ROWS = 64


def run(config: AdaptConfig, texts: Sequence[str], stars: Sequence[float]) -> dict[str, object]:
    """Fit, and write the new model's folder if it is surely better.

    Args:
        config: Folders, and how to cross-validate.
        texts: Of n reviews, as the encoder reads them, no two alike.
        stars: Ratings (n,) in 1..5.

    Returns:
        What was found: ``rows``, ``classes``, figures ``before`` and ``after`` of reviews that a
        fit has not seen, their ``change`` with its standard errors, the ``strength`` chosen,
        ``seconds``, ``base``, and the new ``version``: None where no correction is surely better,
        and then nothing is written.

    Raises:
        InvalidInputError: too few reviews, of one class only, or the output folder holds something.
        ArtefactError: the model folder holds no model that serves here, or the new model does not
            answer as it was fitted.
    """
    started = time.monotonic()
    labels = _labels(stars)
    _check_output(config.output_dir)
    base = open_folder(config.model_dir, threads=config.threads)
    encoded = base.encode(texts)
    inputs = inputs_of(encoded.probabilities, encoded.embeddings)
    rng = np.random.default_rng(config.seed)
    how = {"folds": config.folds, "repeats": config.repeats}
    strength = choose(inputs, labels, **how, rng=rng)
    unseen = estimate(inputs, labels, **how, rng=rng)
    report: dict[str, object] = {
        "base": base.version,
        "rows": len(labels),
        "classes": {str(name): int((labels == i).sum()) for i, name in enumerate(LABELS)},
        **_compared(softmax(inputs.logits), unseen, labels),
        "strength": strength._asdict() if strength else None,
    }
    version = None
    if strength is not None:
        correction = fit(inputs, labels, strength)
        version = _write(config, base, correction, report, texts)
    seconds = round(time.monotonic() - started, 2)
    log.info("%s to %s in %s s", base.version, version, seconds)
    return {**report, "version": version, "seconds": seconds}


def _labels(stars: Sequence[float]) -> Labels:
    if len(stars) < LEAST_ROWS:
        told = f"adapting needs at least {LEAST_ROWS} reviews with stars and text, not {len(stars)}"
        raise InvalidInputError(told)
    labels = np.array([LABELS.index(sentiment_of_rating(value)) for value in stars])
    if len(set(labels.tolist())) == 1:
        told = f"all {len(labels)} reviews are {LABELS[labels[0]].value} by their stars"
        raise InvalidInputError(f"{told}: adapting needs at least two of {', '.join(LABELS)}")
    return labels


def _check_output(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InvalidInputError(f"{folder} holds something already: name another output folder")


def _compared(start: Floats, unseen: Floats, labels: Labels) -> dict[str, object]:
    """Figures before and after, and the paired differences of single reviews with their noise."""
    each = [figures(chances, labels) for chances in unseen]
    after = {name: float(np.mean([found[name] for found in each])) for name in NAMES}
    right = (unseen.argmax(-1) == labels).mean(0) - (start.argmax(-1) == labels)
    cheaper = log_losses(start, labels) - np.mean([log_losses(c, labels) for c in unseen], axis=0)
    return {
        "before": figures(start, labels),
        "after": after,
        "change": {
            "accuracy": float(right.mean()),
            "accuracy_standard_error": standard_error(right),
            "log_loss": float(-cheaper.mean()),
            "log_loss_standard_error": standard_error(cheaper),
        },
    }


def _write(
    config: AdaptConfig,
    base: Encoder,
    correction: Correction,
    report: dict[str, object],
    texts: Sequence[str],
) -> str:
    """Make the folder beside its place, try it, and rename it; returns the version."""
    output = config.output_dir.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as name:
        work = Path(name) / "model"
        work.mkdir()
        for other in base.manifest.files:
            if other != _MODEL:
                (work / other).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(config.model_dir / other, work / other)
        append(config.model_dir / _MODEL, work / _MODEL, correction)
        manifest = _manifest(base.manifest, work, config, report)
        (work / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        _check(base, open_folder(work, threads=config.threads), correction, texts[:_CHECKED_ROWS])
        if output.exists():
            output.rmdir()
        work.rename(output)
    return manifest.version


def _manifest(
    base: Manifest, folder: Path, config: AdaptConfig, report: dict[str, object]
) -> Manifest:
    """The base's, but for the graph; its figures are not those of the new model.

    ``embeddings_of`` names the version whose embeddings these are, bit for bit, so that what was
    embedded with it need not be embedded anew.
    """
    entries = {
        name: FileEntry(sha256=file_sha256(folder / name), bytes=(folder / name).stat().st_size)
        for name in base.files
    }
    embeddings_of = str(base.parameters.get("embeddings_of", base.version))
    digest = entries[_MODEL].sha256[:8]
    return base.model_copy(
        update={
            "version": f"{embeddings_of[: 128 - len(_SUFFIX) - 8]}{_SUFFIX}{digest}",
            "created_at": datetime.now(UTC),
            "files": entries,
            "parameters": {
                **base.parameters,
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


def _check(base: Encoder, new: Encoder, correction: Correction, texts: Sequence[str]) -> None:
    before, after = base.encode(texts), new.encode(texts)
    if not np.array_equal(before.embeddings, after.embeddings):
        raise ArtefactError("the new graph changes the embeddings")
    fitted = softmax(correction.apply(inputs_of(before.probabilities, before.embeddings)))
    worst = float(np.abs(fitted - after.probabilities).max())
    if worst > TOLERANCE:
        raise ArtefactError(f"the new graph's probabilities are off by {worst:.1e}")
