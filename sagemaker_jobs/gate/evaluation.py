"""An evaluation written by sagemaker_jobs.evaluate: figures, and probabilities of each row."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from sagemaker_jobs.gate.errors import EvaluationError
from shared.schemas.sentiment import LABELS
from shared.storage.layout import EVALUATION_FILES

FIGURES, PREDICTIONS = EVALUATION_FILES
PROBABILITIES = tuple(f"p_{label.value}" for label in LABELS)
KEY = "key"
_PREDICTED = "predicted"
_REQUIRED = ("split", KEY, "label", *PROBABILITIES)


class NoiseFigures(BaseModel):
    """Cost of one noise: drops of the metrics, and the share of labels that it changes."""

    model_config = ConfigDict(extra="ignore")

    macro_f1_drop: float
    accuracy_drop: float
    flip_rate: float


class BehaviourFigures(BaseModel):
    """Share of the cases of one kind (negation, contrast, …) with the expected label."""

    model_config = ConfigDict(extra="ignore")

    pass_rate: float


class FamilyFigures(BaseModel):
    """Failures of a family of the behavioural suite."""

    model_config = ConfigDict(extra="ignore")

    failed_percent: float


class ImplicitFigures(BaseModel):
    """Accuracy on implicit praise and complaint."""

    model_config = ConfigDict(extra="ignore")

    accuracy: float


class SuiteFigures(BaseModel):
    """The behavioural suite."""

    model_config = ConfigDict(extra="ignore")

    families: dict[str, FamilyFigures]
    implicit: ImplicitFigures


class Figures(BaseModel):
    """The figures that cannot be computed from the predictions."""

    model_config = ConfigDict(extra="ignore")

    version: str
    evaluated_at: AwareDatetime | None = None
    limit: int = 0
    method: Literal["held_out", "cross_validated"] = "held_out"
    robustness: dict[str, NoiseFigures] = {}
    behaviour: dict[str, BehaviourFigures] = {}
    behaviours: SuiteFigures | None = None

    @property
    def pass_rates(self) -> dict[str, float]:
        """Share of passed cases by kind of case and by family of the suite."""
        rates = {kind: each.pass_rate for kind, each in self.behaviour.items()}
        if self.behaviours is not None:
            families = self.behaviours.families.items()
            rates |= {f"suite:{name}": 1 - each.failed_percent / 100 for name, each in families}
            rates["suite:implicit_by_hand"] = self.behaviours.implicit.accuracy
        return rates


@dataclass(frozen=True)
class Evaluation:
    """An evaluation with its rows sorted by (split, key, label).

    ``predicted`` are the labels that the model decided; an earlier release did not write them, so
    they are the most probable ones.
    ``slices`` maps a kind (source, length, …) to the value of each row, as text.
    """

    figures: Figures
    splits: npt.NDArray[np.str_]
    keys: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    predicted: npt.NDArray[np.int64]
    slices: dict[str, npt.NDArray[np.str_]]

    @property
    def rows_sha256(self) -> str:
        """Identity of the rows: equal for two evaluations of the same rows."""
        digest = hashlib.sha256()
        for column in (self.splits, self.keys, self.labels.astype(str)):
            digest.update("\n".join(column.tolist()).encode())
        return digest.hexdigest()


def read_evaluation(folder: Path) -> Evaluation:
    """Read evaluation.json and predictions.parquet of a folder.

    Raises:
        EvaluationError: a file is missing or invalid.
    """
    try:
        figures = Figures.model_validate_json((folder / FIGURES).read_bytes())
    except (OSError, ValidationError) as error:
        raise EvaluationError(f"{folder / FIGURES} cannot be read: {error}") from error
    path = folder / PREDICTIONS
    try:
        with pq.ParquetFile(path) as file:  # read_table would also load pandas
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    missing = [name for name in _REQUIRED if name not in table.column_names]
    if missing:
        raise EvaluationError(f"{path} has no column {missing[0]}")
    version = (table.schema.metadata or {}).get(b"model_version", figures.version.encode())
    if version != figures.version.encode():
        raise EvaluationError(
            f"{path} is of {version.decode()}, but {FIGURES} is of {figures.version}"
        )
    return _build_evaluation(figures, table, path)


def _build_evaluation(figures: Figures, table: pa.Table, path: Path) -> Evaluation:
    texts = {name: _texts(table, name) for name in table.column_names if name not in PROBABILITIES}
    splits, keys = texts.pop("split"), texts.pop(KEY)
    labels = _labels(texts.pop("label"), path)
    # to_numpy would load pandas where it is installed
    columns = [np.array(table[name].to_pylist(), np.float64) for name in PROBABILITIES]
    probabilities = np.stack(columns, axis=1)
    if not np.isfinite(probabilities).all():
        raise EvaluationError(f"{path} contains probabilities that are not finite")
    predicted = probabilities.argmax(1)
    if _PREDICTED in texts:
        predicted = _labels(texts.pop(_PREDICTED), path)
    order = np.lexsort((labels, keys, splits))
    slices = {kind: values[order] for kind, values in texts.items()}
    return Evaluation(
        figures,
        splits[order],
        keys[order],
        labels[order],
        probabilities[order],
        predicted[order],
        slices,
    )


def _texts(table: pa.Table, name: str) -> npt.NDArray[np.str_]:
    values = table[name].to_pylist()
    return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)


def _labels(values: npt.NDArray[np.str_], path: Path) -> npt.NDArray[np.int64]:
    numbers = {label.value: number for number, label in enumerate(LABELS)}
    unknown = sorted(set(values.tolist()) - set(numbers))
    if unknown:
        raise EvaluationError(f"{path} has an unknown label: {unknown[0]!r}")
    return np.array([numbers[value] for value in values.tolist()], dtype=np.int64)
