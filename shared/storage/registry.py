"""The registry of models: their versions, evaluations, verdicts, and which one is current.

Evaluations and verdicts of the gate are stored next to a version's manifest. The key of an
evaluation contains the hash of its content, so that nothing is overwritten: a model that must be
compared on other rows is evaluated again. The model pointer names the current version;
``activations/`` is an append-only log of its moves. A move takes effect with the pointer's
conditional put; its log entry is written afterwards.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import ArtefactError, ConflictError, NotFoundError
from shared.schemas.fusion import Fusion
from shared.schemas.gate import GateResult
from shared.schemas.joint import TOWERS, JointSpace
from shared.schemas.manifest import Manifest
from shared.storage import artefacts
from shared.storage.layout import (
    ACTIVATIONS,
    EVALUATION_FILES,
    evaluation_file,
    evaluations_prefix,
    gate_key,
)
from shared.storage.objects import ObjectStore

_DIGEST_CHARACTERS = 16
_MAX_ATTEMPTS = 20
State = Literal["candidate", "current", "earlier"]


class Activation(BaseModel):
    """One entry of the log. ``back`` is the number of the entry that a rollback returns to.

    The action ``found`` records a version that became current without an entry: the shipped one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    action: Literal["found", "activate", "rollback"]
    version: str
    at: datetime
    back: int | None = None
    forced: bool = False


class RegisteredVersion(BaseModel):
    """One registered version.

    ``gate`` is the verdict against the current version; for the current version, against the
    previous one. ``joint`` and ``towers`` describe an imported model: where its towers come from,
    and their precision, parity and latency. ``fusion`` describes a head for texts with pictures.
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
    joint: JointSpace | None = None
    towers: dict[str, Any] | None = None
    fusion: Fusion | None = None


def register(store: ObjectStore, folder: Path, evaluation: Path | None = None) -> Manifest:
    """Publish a model folder as a candidate; registering it again has no effect.

    Args:
        store: the artefact bucket.
        folder: model.onnx, tokenizer.json, manifest.json.
        evaluation: folder with EVALUATION_FILES, written by sagemaker_jobs.evaluate; optional.

    Raises:
        ArtefactError: the folder does not match its manifest, or the evaluation lacks a file or
            belongs to another version.
        ConflictError: the version exists with other content.
    """
    manifest = artefacts.read_folder(folder, kind="model").manifest
    bodies = None if evaluation is None else _read_evaluation(evaluation, manifest.version)
    artefacts.publish(store, folder, manifest)
    if bodies is not None:
        _put_evaluation(store, manifest.version, bodies)
    return manifest


def add_evaluation(store: ObjectStore, version: str, evaluation: Path) -> None:
    """Store another evaluation of a published version; errors as in ``register``."""
    _put_evaluation(store, version, _read_evaluation(evaluation, version))


def _read_evaluation(folder: Path, version: str) -> dict[str, bytes]:
    bodies = {}
    for name in EVALUATION_FILES:
        try:
            bodies[name] = (folder / name).read_bytes()
        except OSError as error:
            raise ArtefactError(f"the evaluation {folder} has no {name}") from error
    try:
        content = json.loads(bodies[EVALUATION_FILES[0]])
    except ValueError as error:
        raise ArtefactError(f"{folder / EVALUATION_FILES[0]} cannot be read") from error
    evaluated = content.get("version") if isinstance(content, dict) else None
    if evaluated != version:
        raise ArtefactError(f"the evaluation {folder} belongs to {evaluated}, not to {version}")
    return bodies


def digest_of(bodies: Iterable[bytes]) -> str:
    """Digest of an evaluation's files, in the order of EVALUATION_FILES."""
    digest = hashlib.sha256()
    for body in bodies:
        digest.update(hashlib.sha256(body).digest())
    return digest.hexdigest()[:_DIGEST_CHARACTERS]


def _put_evaluation(store: ObjectStore, version: str, bodies: dict[str, bytes]) -> None:
    """Write each file once, the metrics last: an evaluation without them does not exist."""
    digest = digest_of(bodies[name] for name in EVALUATION_FILES)
    for name in reversed(EVALUATION_FILES):
        with suppress(ConflictError):  # it exists: equal names have equal content
            store.put(evaluation_file(version, digest, name), bodies[name], if_absent=True)


def evaluations(store: ObjectStore, version: str) -> list[str]:
    """Digests of a version's evaluations, in no particular order."""
    prefix = evaluations_prefix(version)
    keys = [info.key.removeprefix(prefix).split("/") for info in store.list(prefix)]
    return [key[0] for key in keys if key[1:] == [EVALUATION_FILES[0]]]


def fetch_evaluation(store: ObjectStore, version: str, digest: str, folder: Path) -> None:
    """Write the files of an evaluation into ``folder``.

    Raises:
        NotFoundError: there is no such evaluation.
        ArtefactError: the evaluation is corrupt.
    """
    names = EVALUATION_FILES
    bodies = {name: store.get(evaluation_file(version, digest, name))[0] for name in names}
    if digest_of(bodies[name] for name in names) != digest:
        raise ArtefactError(f"the evaluation {digest} of {version} is corrupt (SHA-256 differs)")
    for name, body in bodies.items():
        (folder / name).write_bytes(body)


def put_verdict(store: ObjectStore, result: GateResult) -> None:
    """Store a verdict of the gate, replacing an earlier one on the same two versions.

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
    """The gate's last verdict on a candidate against a version; None if there is none.

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
        ArtefactError: an entry cannot be read.
    """
    entries = []
    for info in list(store.list(ACTIVATIONS)):
        try:
            entries.append(Activation.model_validate_json(store.get(info.key)[0]))
        except ValidationError as error:
            raise ArtefactError(f"{info.key} cannot be read") from error
    return sorted(entries, key=lambda entry: entry.number)


def rollback_target(entries: Sequence[Activation], current: str | None) -> Activation | None:
    """The entry that a rollback from ``current`` returns to; None if there is none.

    If the pointer was moved without an entry (the writer was killed, or a newer version was
    shipped), the log ends with the previous version.
    """
    if not entries:
        return None
    if entries[-1].version != current:
        return entries[-1]
    back = entries[-1].back or 0
    # the entry itself, or the one before if it was damaged and set aside
    return next((entry for entry in reversed(entries) if entry.number <= back), None)


def record_current(store: ObjectStore, version: str) -> None:
    """Record the current version if the log does not; call this before moving the pointer.

    If the writer is killed before it records the move, the log ends with the previous version.
    """
    entries = history(store)
    if not entries or entries[-1].version != version:
        _append(store, "found", version, entries[-1].number if entries else None)


def record_activation(store: ObjectStore, version: str, *, forced: bool = False) -> None:
    """Record an activation, unless it is recorded; a rollback returns to the previous entry."""
    entries = history(store)
    if not entries or entries[-1].version != version:
        _append(store, "activate", version, entries[-1].number if entries else None, forced=forced)


def record_rollback(store: ObjectStore, target: Activation) -> None:
    """Record a rollback to an entry; the next rollback continues from there."""
    _append(store, "rollback", target.version, target.back)


def _append(
    store: ObjectStore,
    action: Literal["found", "activate", "rollback"],
    version: str,
    back: int | None,
    *,
    forced: bool = False,
) -> None:
    for _ in range(_MAX_ATTEMPTS):
        numbers = [entry.number for entry in history(store)]
        entry = Activation(
            number=max(numbers, default=0) + 1,
            action=action,
            version=version,
            at=datetime.now(UTC),
            back=back,
            forced=forced,
        )
        with suppress(ConflictError):  # another writer used the number
            key = f"{ACTIVATIONS}{entry.number:08d}.json"
            store.put(key, entry.model_dump_json().encode(), if_absent=True)
            return
    raise ConflictError("too many concurrent writes to the log of activations")


def indexes_by_model(store: ObjectStore) -> dict[str, list[str]]:
    """Index versions of each model version, oldest first."""
    indexes: dict[str, list[str]] = {}
    for version in artefacts.versions(store, "index"):
        with suppress(NotFoundError, ArtefactError):  # deleted in the meantime, or corrupt
            manifest = artefacts.read_manifest(store, "index", version)
            indexes.setdefault(str(manifest.model_version), []).append(version)
    return indexes


def describe(store: ObjectStore, version: str) -> RegisteredVersion:
    """Describe one version.

    Raises:
        NotFoundError: there is no such version.
    """
    return _describe(store, version, artefacts.current(store, "model"), history(store))


def list_versions(store: ObjectStore) -> list[RegisteredVersion]:
    """Describe all versions, newest first."""
    current, entries = artefacts.current(store, "model"), history(store)
    names = artefacts.versions(store, "model")
    versions = [_describe(store, name, current, entries) for name in names]
    return sorted(versions, key=lambda version: version.created_at, reverse=True)


def _describe(
    store: ObjectStore,
    version: str,
    current: artefacts.Current | None,
    entries: Sequence[Activation],
) -> RegisteredVersion:
    manifest = artefacts.read_manifest(store, "model", version)
    state: State = "earlier" if any(entry.version == version for entry in entries) else "candidate"
    is_current = current is not None and current.version == version
    return RegisteredVersion(
        version=version,
        state="current" if is_current else state,
        created_at=manifest.created_at,
        dimension=manifest.dimension,
        bytes=sum(entry.bytes for entry in manifest.files.values()),
        metrics=manifest.metrics,
        evaluated=bool(evaluations(store, version)),
        indexes=indexes_by_model(store).get(version, []),
        gate=_last_verdict(store, version, current, entries),
        joint=manifest.joint,
        towers=_towers(manifest),
        fusion=manifest.fusion,
    )


def _towers(manifest: Manifest) -> dict[str, Any] | None:
    """What was measured of the towers of an imported model."""
    towers = manifest.parameters.get(TOWERS)
    return towers if manifest.joint is not None and isinstance(towers, dict) else None


def _last_verdict(
    store: ObjectStore,
    version: str,
    current: artefacts.Current | None,
    entries: Sequence[Activation],
) -> GateResult | None:
    """Verdict against the current version; of the current version, against the previous one."""
    if current is None:
        return None
    if current.version != version:
        return verdict(store, version, current.version)
    previous = rollback_target(entries, version)
    return verdict(store, version, previous.version) if previous else None
