"""Reads predictions as groups: the rows of one source and one kind."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sagemaker_jobs.decide.config import DecideConfig
from sagemaker_jobs.evaluate.balance import balanced_stars
from sagemaker_jobs.evaluate.metrics import CLASSES, Floats, Ints
from sagemaker_jobs.evaluate.predictions import RULES
from sagemaker_jobs.evaluate.rows import Texts
from sagemaker_jobs.evaluate.spans import SUFFIX
from shared.runtime.decisions import uncalibrate
from shared.schemas.decisions import Decisions, Kind
from shared.schemas.sentiment import LABELS

log = logging.getLogger("decide")
_TRAINED = {"train", "validation", "test"}
_COLUMNS = ("split", "label", *(f"p_{label.value}" for label in LABELS))
BALANCED = ", balanced stars"


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one source: probabilities (n, 3) as the graph gives them, and labels (n).

    ``natural``: its labels have their natural frequencies; a sample with equally many of each star
    has not. ``seen``: the model was trained on other rows of the source.
    """

    source: str
    kind: Kind
    probabilities: Floats
    labels: Ints
    natural: bool = True
    seen: bool = False

    @property
    def name(self) -> str:
        """The source, and how its rows were chosen."""
        return self.source + ("" if self.natural else BALANCED)


def read_groups(config: DecideConfig, version: str) -> list[Group]:
    """The groups in the files of a config, sorted by kind and name.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file has other columns, belongs to another model, or has no group.
    """
    parts: dict[tuple[Kind, str, bool], list[_Part]] = defaultdict(list)
    for path in config.files:
        for part in _read_parts(path, config, version):
            parts[part.kind, part.source, part.seen].append(part)
    groups: list[Group] = []
    for (kind, source, seen), members in sorted(parts.items()):
        probabilities, labels, stars = (
            np.concatenate([getattr(member, name) for member in members])
            for name in ("probabilities", "labels", "stars")
        )
        if len(labels) < config.min_rows:
            log.info("%s is left out: it has %d rows", source, len(labels))
            continue
        if kind is Kind.REVIEW and len(set(labels.tolist())) < CLASSES:
            log.info("%s is left out: a sentiment was removed from it", source)
            continue
        group = Group(source, kind, probabilities, labels, seen=seen)
        groups.append(group)
        if kind is Kind.REVIEW and len(rows := balanced_stars(stars)):
            sample = replace(group, probabilities=probabilities[rows], labels=labels[rows])
            groups.append(replace(sample, natural=False))
    if not groups:
        raise ValueError(f"predictions: no source has {config.min_rows} rows")
    return groups


@dataclass(frozen=True, slots=True)
class _Part:
    kind: Kind
    source: str
    seen: bool
    probabilities: Floats
    labels: Ints
    stars: Ints


def _read_parts(path: Path, config: DecideConfig, version: str) -> Iterator[_Part]:
    if not path.is_file():
        raise FileNotFoundError(f"predictions: {path} not found")
    table = pq.read_table(path)
    for name in _COLUMNS:
        if name not in table.column_names:
            raise ValueError(f"predictions: {path} has no column {name}")
    metadata = table.schema.metadata or {}
    if metadata.get(b"model_version", version.encode()) != version.encode():
        other = metadata[b"model_version"].decode()
        raise ValueError(f"predictions: {path} is of {other}, model_dir has {version}")
    applied = Decisions.model_validate_json(metadata.get(RULES.encode(), b"{}"))
    splits, kinds = _texts(table, "split"), _texts(table, "kind")
    files = np.array([split.removesuffix(SUFFIX) for split in splits])
    sources = _texts(table, "source")
    sources = np.where(sources == "", splits, sources)
    kinds = np.where(kinds == Kind.SENTENCE.value, Kind.SENTENCE.value, Kind.REVIEW.value)
    probabilities = np.stack([table[name].to_numpy() for name in _COLUMNS[2:]], axis=1)
    labels, stars = _labels(table, path), _stars(table)
    used = [name for name in dict.fromkeys(files.tolist()) if _is_used(name, config)]
    trained = np.isin(files, list(_TRAINED))
    for kind in Kind:
        # the file has probabilities as they are reported
        rows = uncalibrate(probabilities.astype(np.float32), applied.rule(kind))
        own = (kinds == kind.value) & np.isin(files, used)
        for source, seen in dict.fromkeys(zip(sources[own].tolist(), trained[own], strict=True)):
            mask = own & (sources == source) & (trained == seen)
            yield _Part(kind, source, bool(seen), rows[mask], labels[mask], stars[mask])


def _is_used(split: str, config: DecideConfig) -> bool:
    return split in config.split_names if config.split_names else split not in _TRAINED


def _texts(table: pa.Table, name: str) -> Texts:
    if name not in table.column_names:
        return np.full(table.num_rows, "", dtype=np.str_)
    return np.array([value or "" for value in table[name].to_pylist()], dtype=np.str_)


def _labels(table: pa.Table, path: Path) -> Ints:
    numbers = {label.value: number for number, label in enumerate(LABELS)}
    names = table["label"].to_pylist()
    if unknown := set(names) - set(numbers):
        raise ValueError(f"{path}, column label: {unknown.pop()!r} is not one of {list(numbers)}")
    return np.array([numbers[name] for name in names])


def _stars(table: pa.Table) -> Ints:
    values = _texts(table, "stars").tolist()
    return np.array([int(value) if value in set("12345") else 0 for value in values])
