"""Writes a model folder: the files of a text model, and a fusion head that belongs to them."""

import hashlib
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagemaker_jobs.arguments import TEXT_AND_IMAGE, parse
from sagemaker_jobs.evaluate.calibration import abstain_threshold
from sagemaker_jobs.evaluate.cross_validated import BASE_EVALUATION, EVALUATION, write_evaluation
from sagemaker_jobs.evaluate.figures import figures_of
from sagemaker_jobs.evaluate.metrics import Floats, Ints
from sagemaker_jobs.fusion.config import FusionExportConfig
from sagemaker_jobs.fusion.run_folder import HEAD, Unseen, read_run
from shared.errors import ArtefactError, InvalidInputError, ReviewlensError
from shared.runtime.decisions import decide
from shared.runtime.encoder import open_folder
from shared.schemas.decisions import SURE_ACCURACY, Rule
from shared.schemas.fusion import FUSION, Fusion
from shared.schemas.manifest import FileEntry, Manifest
from shared.storage.artefacts import MANIFEST, file_sha256, read_folder

log = logging.getLogger("export")
_SUFFIX = "-fused-"
_HASH_CHARACTERS = 8
_MIN_SURE_ROWS = 30


def run(config: FusionExportConfig) -> Manifest:
    """Write the folder, with the evaluations of the text model and of the new one on unseen rows.

    Raises:
        ArtefactError: the run or the model is damaged, or they do not belong together.
        InvalidInputError: the output folder is not empty.
    """
    output = config.output_dir.absolute()
    if output.exists() and any(output.iterdir()):
        raise InvalidInputError(f"output_dir: {output} is not empty")
    record, unseen = read_run(config.run_dir)
    base = read_folder(config.text_model, kind="model").manifest
    if base.encoder_sha256 != record["encoder_sha256"]:
        raise ArtefactError(
            f"text_model: the head was trained with {record['text_model']}, whose files differ from"
            f" those of {base.version} in {config.text_model}"
        )
    fusion = Fusion(
        **{name: record[name] for name in ("encoder_sha256", "picture_model", "picture_sha256")},
        text_model=base.version,
        decides=_decides(config.decides, record["figures"]),
        both=_rule(unseen.both, unseen.labels),
        picture=_rule(unseen.picture, unseen.labels),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as name:
        work = Path(name) / "model"
        work.mkdir()
        for file in base.files:
            (work / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(config.text_model / file, work / file)
        shutil.copyfile(config.run_dir / HEAD, work / HEAD)
        manifest = _manifest(base, fusion, work, record)
        (work / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", "utf-8")
        open_folder(work)  # as serving does: it refuses what does not belong together
        _write_evaluations(work, base, manifest, unseen)
        if output.exists():
            output.rmdir()
        work.rename(output)
    return manifest


def _decides(choice: str, figures: dict[str, Any]) -> bool:
    """Whether the head gives sentiments; measured: it must gain beyond the noise, on both texts."""
    if choice != "measured":
        return choice == "always"
    gains = (figures[f"gain_over_{name}"]["interval"] for name in ("served", "text"))
    return all(low > 0 for low, _ in gains)


def _rule(probabilities: Floats, labels: Ints) -> Rule:
    """From which probability on the head is sure: 95 of 100 of those rows were right, at least."""
    rule = Rule(sure_above=None)
    point = abstain_threshold(decide(rule, probabilities), labels, SURE_ACCURACY)
    if point is None or point.coverage * len(labels) < _MIN_SURE_ROWS:
        return rule
    return rule.model_copy(update={"sure_above": point.threshold})


def _manifest(base: Manifest, fusion: Fusion, folder: Path, record: dict[str, Any]) -> Manifest:
    head = FileEntry(sha256=file_sha256(folder / HEAD), bytes=(folder / HEAD).stat().st_size)
    content = head.sha256 + fusion.model_dump_json()
    digest = hashlib.sha256(content.encode()).hexdigest()[:_HASH_CHARACTERS]
    # the vectors are those of this version, bit for bit: what it scored need not be encoded again
    embeddings_of = str(base.parameters.get("embeddings_of", base.version))
    name = embeddings_of[: 128 - len(_SUFFIX) - _HASH_CHARACTERS]
    both = {key: value for key, value in record["figures"]["both"].items() if key != "intervals"}
    return base.model_copy(
        update={
            "version": f"{name}{_SUFFIX}{digest}",
            "created_at": datetime.now(UTC).replace(microsecond=0),
            "files": {**base.files, HEAD: head},
            "parameters": {
                **base.parameters,
                "embeddings_of": embeddings_of,
                FUSION: fusion.model_dump(mode="json"),
                "fusion_training": record,
            },
            "metrics": {**base.metrics, TEXT_AND_IMAGE: both},
        }
    )


def _write_evaluations(folder: Path, base: Manifest, manifest: Manifest, unseen: Unseen) -> None:
    """What both models answer to the rows, from heads that did not know them."""
    fusion = manifest.fusion
    both = decide(fusion.both, unseen.both) if fusion and fusion.decides else unseen.served
    rows = unseen.keys, unseen.labels
    for name, version, decided in (
        (EVALUATION, manifest.version, both), (BASE_EVALUATION, base.version, unseen.served),
    ):  # fmt: skip
        own = figures_of(decided, unseen.labels)
        write_evaluation(folder / name, version, TEXT_AND_IMAGE, rows, decided, own, base.decisions)


def main(arguments: Sequence[str]) -> int:
    """Export by the options of FusionExportConfig; returns 0, or 2 with the reason on stderr."""
    try:
        manifest = run(parse(FusionExportConfig, arguments, {}))
    except ReviewlensError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    decides = manifest.fusion is not None and manifest.fusion.decides
    log.info("wrote %s; its head %s", manifest.version, "decides" if decides else "does not decide")
    return 0
