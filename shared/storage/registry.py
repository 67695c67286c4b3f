"""The registry of models: what versions there are, which is current, which was before it.

Beside a version's manifest lie its evaluations and the verdicts of the gate. An evaluation lies
under the hash of its content, so that nothing is ever written over: a model that was evaluated on
other rows than another is evaluated once more. The model pointer says what is current;
``activations/`` is the log of its moves, to which entries are only ever added. A move is settled by
the pointer's conditional put, and the log follows it.
"""

import hashlib
import json
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
from shared.storage.layout import (
    ACTIVATIONS,
    EVALUATION_FILES,
    evaluation_file,
    evaluations_prefix,
    gate_key,
)
from shared.storage.objects import ObjectStore

_DIGEST_CHARACTERS = 16
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
        ArtefactError: the folder does not hold what its manifest says, or the evaluation lacks a
            file or is that of another version.
        ConflictError: the version exists with other content.
    """
    manifest = artefacts.read_folder(folder, kind="model").manifest
    bodies = None if evaluation is None else _read_evaluation(evaluation, manifest.version)
    artefacts.publish(store, folder, manifest)
    if bodies is not None:
        _put_evaluation(store, manifest.version, bodies)
    return manifest


def add_evaluation(store: ObjectStore, version: str, evaluation: Path) -> None:
    """Keep one more evaluation of a published version; errors as in ``register``."""
    _put_evaluation(store, version, _read_evaluation(evaluation, version))


def _read_evaluation(folder: Path, version: str) -> dict[str, bytes]:
    bodies = {}
    for name in EVALUATION_FILES:
        try:
            bodies[name] = (folder / name).read_bytes()
        except OSError as error:
            raise ArtefactError(f"the evaluation {folder} has no {name}") from error
    try:
        told = json.loads(bodies[EVALUATION_FILES[0]])
    except ValueError as error:
        raise ArtefactError(f"{folder / EVALUATION_FILES[0]} cannot be read") from error
    of = told.get("version") if isinstance(told, dict) else None
    if of != version:
        raise ArtefactError(f"the evaluation {folder} is that of {of}, not of {version}")
    return bodies


def _digest(bodies: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in EVALUATION_FILES:
        whole.update(hashlib.sha256(bodies[name]).digest())
    return whole.hexdigest()[:_DIGEST_CHARACTERS]


def _put_evaluation(store: ObjectStore, version: str, bodies: dict[str, bytes]) -> None:
    """Write each file once; the figures come last, and one without them does not exist."""
    digest = _digest(bodies)
    for name in reversed(EVALUATION_FILES):
        with suppress(ConflictError):  # it is there: the same name is the same content
            store.put(evaluation_file(version, digest, name), bodies[name], if_absent=True)


def evaluations(store: ObjectStore, version: str) -> list[str]:
    """Digests of a version's evaluations, in no order that means anything; empty: it has none."""
    prefix = evaluations_prefix(version)
    keys = [info.key.removeprefix(prefix).split("/") for info in store.list(prefix)]
    return [key[0] for key in keys if key[1:] == [EVALUATION_FILES[0]]]


def fetch_evaluation(store: ObjectStore, version: str, digest: str, folder: Path) -> None:
    """Write the files of an evaluation into ``folder``.

    Raises:
        NotFoundError: there is no such evaluation.
        ArtefactError: it is corrupt.
    """
    names = EVALUATION_FILES
    bodies = {name: store.get(evaluation_file(version, digest, name))[0] for name in names}
    if _digest(bodies) != digest:
        raise ArtefactError(f"the evaluation {digest} of {version} is corrupt (SHA-256 differs)")
    for name, body in bodies.items():
        (folder / name).write_bytes(body)


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
        evaluated=bool(evaluations(store, version)),
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
