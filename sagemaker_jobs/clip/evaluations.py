"""Gives an imported model the evaluations of the encoder of its sentiments, which it shares."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq

from sagemaker_jobs.clip.figures import of_sentiment
from shared.errors import ArtefactError, NotFoundError
from shared.storage import registry
from shared.storage.layout import EVALUATION_FILES
from shared.storage.objects import ObjectStore

_NOT_OF_SENTIMENT = ("bytes", "latency")
_VERSION = b"model_version"


def adopt_evaluations(
    store: ObjectStore, source: str, version: str, *, leave_out: str | None = None
) -> None:
    """Copy the evaluations of a version to one with the same encoder, under its name.

    So the gate can compare it. What they say of embeddings, sizes and times is left out. An
    evaluation that is damaged is left out as well, as it is of no use to the gate.

    Args:
        store: the artefact bucket.
        source: the version that was evaluated.
        version: the version whose model.onnx is the same.
        leave_out: a split; evaluations that have it are not copied.
    """
    for digest in registry.evaluations(store, source):
        with tempfile.TemporaryDirectory() as name, suppress(ArtefactError, NotFoundError):
            folder = Path(name)
            registry.fetch_evaluation(store, source, digest, folder)
            if leave_out in json.loads((folder / EVALUATION_FILES[0]).read_bytes())["splits"]:
                continue
            _rename(folder, source, version)
            registry.add_evaluation(store, version, folder)


def _rename(folder: Path, source: str, version: str) -> None:
    figures, predictions = (folder / name for name in EVALUATION_FILES)
    content = json.loads(figures.read_bytes())
    kept = {name: value for name, value in content.items() if name not in _NOT_OF_SENTIMENT}
    splits = {name: of_sentiment(split) for name, split in kept.get("splits", {}).items()}
    kept |= {"version": version, "evaluated_as": source, "splits": splits}
    figures.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    table = pq.read_table(predictions)
    metadata = {**(table.schema.metadata or {}), _VERSION: version.encode()}
    pq.write_table(table.replace_schema_metadata(metadata), predictions, compression="zstd")
