"""Predictions of each row, so that two models can be compared row by row."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sagemaker_jobs.evaluate.metrics import Ints
from sagemaker_jobs.evaluate.rows import Rows, Texts
from shared.runtime.decisions import Decided
from shared.schemas.decisions import Decisions
from shared.schemas.sentiment import LABELS

FILE = "predictions.parquet"
RULES = "decisions"
"""Metadata of the file: the rules that were applied to the probabilities."""


def row_key(text: str) -> str:
    """SHA-256 (hex) of a text: identifies a row without revealing it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def table_of(split: str, rows: Rows, decided: Decided, slices: dict[str, Texts]) -> pa.Table:
    """Rows of one split: split, key, label, predicted, p_negative, … and slices."""
    keys = [row_key(text) for text in rows.texts]
    return table_of_keys(split, keys, rows.labels, decided, slices)


def table_of_keys(
    split: str, keys: Sequence[str], labels: Ints, decided: Decided, slices: dict[str, Texts]
) -> pa.Table:
    """The same, of rows whose texts are known by their keys."""
    columns = {
        "split": np.full(len(keys), split),
        "key": list(keys),
        "label": np.array([label.value for label in LABELS])[labels],
    }
    columns["predicted"] = decided.sentiments
    columns |= {f"p_{label.value}": decided.probabilities[:, i] for i, label in enumerate(LABELS)}
    columns |= {name: pa.array(values, mask=values == "") for name, values in slices.items()}
    return pa.table(columns)


def write(path: Path, tables: list[pa.Table], version: str, decisions: Decisions) -> None:
    """Write the rows of all splits, with the model version and its rules in the file's metadata.

    A slice that only some splits have is null in the others.
    """
    table = pa.concat_tables(tables, promote_options="default")
    metadata = {"model_version": version, RULES: decisions.model_dump_json()}
    table = table.replace_schema_metadata(metadata)
    pq.write_table(table, path, compression="zstd")
