"""The output folder of a training of a head."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sagemaker_jobs.evaluate.metrics import Floats, Ints
from shared.errors import ArtefactError
from shared.runtime.decisions import Decided
from shared.runtime.fusion import UNREADABLE
from shared.schemas.fusion import HEAD_FILE
from shared.storage.artefacts import file_sha256

HEAD, RECORD, UNSEEN = HEAD_FILE, "fusion.json", "unseen.npz"


class Unseen(NamedTuple):
    """Rows by the hashes of their texts, their labels (n), and what is said of them.

    ``served``: the text model's own answers. ``both`` and ``picture`` (n, 3): the probabilities of
    a head that was learned without the row.
    """

    keys: list[str]
    labels: Ints
    served: Decided
    both: Floats
    picture: Floats


def save_unseen(unseen: Unseen, folder: Path) -> None:
    """Write the rows into a run's folder."""
    served = unseen.served
    np.savez(
        folder / UNSEEN, keys=np.array(unseen.keys), labels=unseen.labels, both=unseen.both,
        picture=unseen.picture, served=served.probabilities, served_labels=served.labels,
        confidences=served.confidences, sure=served.sure,
    )  # fmt: skip


def read_run(folder: Path) -> tuple[dict[str, Any], Unseen]:
    """The record and the rows of a finished training, whose head is the one of the record.

    Raises:
        ArtefactError: the training is not finished, or a file is damaged.
    """
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        with np.load(folder / UNSEEN, allow_pickle=False) as rows:
            served = (rows[name] for name in ("served", "served_labels", "confidences", "sure"))
            unseen = Unseen(
                rows["keys"].tolist(), rows["labels"], Decided(*served), rows["both"],
                rows["picture"],
            )  # fmt: skip
        intact = file_sha256(folder / HEAD) == record["head_sha256"]
    except UNREADABLE as error:
        message = f"run_dir: {folder} has no finished training of text and picture"
        raise ArtefactError(message) from error
    if not intact:
        raise ArtefactError(f"run_dir: {folder / HEAD} is not the head of {RECORD}")
    return record, unseen
