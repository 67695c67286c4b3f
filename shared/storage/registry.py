"""The registry of models: what versions there are, which is current, which was before it.

Beside a version's manifest lie its evaluation and the verdicts of the gate. The model pointer says
what is current; ``activations/`` is the log of its moves, to which entries are only ever added. A
move is settled by the pointer's conditional put, and the log follows it.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import ArtefactError, ConflictError, NotFoundError
from shared.schemas.gate import GateResult
from shared.schemas.manifest import Manifest
from shared.storage import artefacts
from shared.storage.layout import ACTIVATIONS, evaluation_file, gate_key
from shared.storage.objects import ObjectStore

EVALUATION_FILES = ("evaluation.json", "predictions.parquet")
_ATTEMPTS = 20
State = Literal["candidate", "current", "earlier"]


class Activation(BaseModel):
    """One line of the log. ``back`` is the number of the line that a rollback returns to.

    ``found`` is a version that became current without this log: the shipped one at the start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    action: Literal["found", "activate", "rollback"]
    version: str
    at: datetime
    back: int | None = None
    forced: bool = False


class Registered(BaseModel):
    """One version as the registry knows it.

    ``gate`` is the verdict against the current version, and of that one against the one before.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    state: State
    created_at: datetime
    dimension: int
    bytes: int
    metrics: dict[str, object]
    evaluated: bool
    indexes: list[str]
    gate: GateResult | None = None


def register(store: ObjectStore, folder: Path, evaluation: Path | None = None) -> Manifest:
    """Publish a model folder as a candidate; the same again changes nothing.

    Args:
        store: the artefact bucket.
        folder: model.onnx, tokenizer.json, manifest.json.
        evaluation: folder of EVALUATION_FILES, which sagemaker_jobs.evaluate wrote; None: later.

    Raises:
        ArtefactError: the folder does not hold what its manifest says, or a file is missing.
        ConflictError: the version exists with other content.
    """
    manifest = artefacts.read_folder(folder, kind="model").manifest
    bodies = {}
    if evaluation is not None:
        for name in EVALUATION_FILES:
            try:
                bodies[name] = (evaluation / name).read_bytes()
            except OSError as error:
                raise ArtefactError(f"the evaluation {evaluation} has no {name}") from error
    artefacts.publish(store, folder, manifest)
    for name, body in bodies.items():
        _put_once(store, evaluation_file(manifest.version, name), body)
    return manifest


def _put_once(store: ObjectStore, key: str, body: bytes) -> None:
    try:
        store.put(key, body, if_absent=True)
    except ConflictError:
        if store.get(key)[0] != body:
            raise ConflictError(f"{key} exists with other content") from None


def fetch_evaluation(store: ObjectStore, version: str, folder: Path) -> bool:
    """Write a version's evaluation into ``folder``; False where it has none."""
    for name in EVALUATION_FILES:
        try:
            body, _ = store.get(evaluation_file(version, name))
        except NotFoundError:
            return False
        (folder / name).write_bytes(body)
    return True


def put_verdict(store: ObjectStore, result: GateResult) -> None:
    """Keep a verdict of the gate beside the candidate; a later one takes its place.

    Raises:
        NotFoundError: the candidate is not published.
        ConflictError: another verdict on the same two versions was written at the same time.
    """
    artefacts.read_manifest(store, "model", result.candidate)
    key, body = gate_key(result.candidate, result.against), result.model_dump_json(indent=1)
    try:
        etag = store.head(key).etag
    except NotFoundError:
        store.put(key, body.encode(), if_absent=True)
    else:
        store.put(key, body.encode(), if_match=etag)


def verdict(store: ObjectStore, candidate: str, against: str) -> GateResult | None:
    """What the gate said last of a candidate against a version; None where it was not asked.

    Raises:
        ArtefactError: the verdict cannot be read.
    """
    try:
        body, _ = store.get(gate_key(candidate, against))
        return GateResult.model_validate_json(body)
    except NotFoundError:
        return None
    except ValidationError as error:
        raise ArtefactError(f"the gate's verdict on {candidate} cannot be read") from error


def history(store: ObjectStore) -> list[Activation]:
    """The log of activations, oldest first.

    Raises:
        ArtefactError: a line cannot be read.
    """
    lines = []
    for info in list(store.list(ACTIVATIONS)):
        try:
            lines.append(Activation.model_validate_json(store.get(info.key)[0]))
        except ValidationError as error:
            raise ArtefactError(f"{info.key} cannot be read") from error
    return sorted(lines, key=lambda line: line.number)


def before(lines: Sequence[Activation], current: str | None) -> Activation | None:
    """The line that a rollback from ``current`` returns to; None where there is none.

    A pointer that was moved without a line (its writer was killed, or a newer shipped version came)
    leaves a log that ends with the version before.
    """
    if not lines:
        return None
    if lines[-1].version != current:
        return lines[-1]
    return next((line for line in lines if line.number == lines[-1].back), None)


def note_found(store: ObjectStore, version: str) -> None:
    """Note what is current, where the log does not say so: to be called before the pointer moves.

    Then a writer that is killed between the move and its line leaves a log that ends with the
    version before.
    """
    lines = history(store)
    if not lines or lines[-1].version != version:
        _append(store, "found", version, lines[-1].number if lines else None)


def note_activation(store: ObjectStore, version: str, *, forced: bool = False) -> None:
    """Note that a version is current; a rollback returns to the last line before. Twice is once."""
    lines = history(store)
    if not lines or lines[-1].version != version:
        _append(store, "activate", version, lines[-1].number if lines else None, forced=forced)


def note_rollback(store: ObjectStore, to: Activation) -> None:
    """Note that the version of a line is current again; the next rollback goes on from there."""
    _append(store, "rollback", to.version, to.back)


def _append(
    store: ObjectStore,
    action: Literal["found", "activate", "rollback"],
    version: str,
    back: int | None,
    *,
    forced: bool = False,
) -> None:
    for _ in range(_ATTEMPTS):
        numbers = [line.number for line in history(store)]
        line = Activation(
            number=max(numbers, default=0) + 1,
            action=action,
            version=version,
            at=datetime.now(UTC),
            back=back,
            forced=forced,
        )
        with suppress(ConflictError):  # another writer took the number
            key = f"{ACTIVATIONS}{line.number:08d}.json"
            store.put(key, line.model_dump_json().encode(), if_absent=True)
            return
    raise ConflictError("the log of activations is written to too often")


def indexes_of(store: ObjectStore) -> dict[str, list[str]]:
    """Index versions of each model version, oldest first."""
    found: dict[str, list[str]] = {}
    for version in artefacts.versions(store, "index"):
        with suppress(NotFoundError, ArtefactError):  # deleted meanwhile, or no index
            manifest = artefacts.read_manifest(store, "index", version)
            found.setdefault(str(manifest.model_version), []).append(version)
    return found


def describe(store: ObjectStore, version: str) -> Registered:
    """One version.

    Raises:
        NotFoundError: there is no such version.
    """
    return _describe(store, version, artefacts.current(store, "model"), history(store))


def listing(store: ObjectStore) -> list[Registered]:
    """All versions, newest first."""
    now, lines = artefacts.current(store, "model"), history(store)
    names = artefacts.versions(store, "model")
    found = [_describe(store, name, now, lines) for name in names]
    return sorted(found, key=lambda each: each.created_at, reverse=True)


def _describe(
    store: ObjectStore,
    version: str,
    now: artefacts.Current | None,
    lines: Sequence[Activation],
) -> Registered:
    manifest = artefacts.read_manifest(store, "model", version)
    state: State = "earlier" if any(line.version == version for line in lines) else "candidate"
    is_current = now is not None and now.version == version
    return Registered(
        version=version,
        state="current" if is_current else state,
        created_at=manifest.created_at,
        dimension=manifest.dimension,
        bytes=sum(entry.bytes for entry in manifest.files.values()),
        metrics=manifest.metrics,
        evaluated=all(_exists(store, evaluation_file(version, n)) for n in EVALUATION_FILES),
        indexes=indexes_of(store).get(version, []),
        gate=_verdict_of(store, version, now, lines),
    )


def _verdict_of(
    store: ObjectStore,
    version: str,
    now: artefacts.Current | None,
    lines: Sequence[Activation],
) -> GateResult | None:
    """Of a candidate, against the current version; of the current one, against that before it."""
    if now is None:
        return None
    if now.version != version:
        return verdict(store, version, now.version)
    line = before(lines, version)
    return verdict(store, version, line.version) if line else None


def _exists(store: ObjectStore, key: str) -> bool:
    try:
        store.head(key)
    except NotFoundError:
        return False
    return True
