"""Damaged objects: their bytes are set aside, and a record says what is done about them.

Records are in the artefact bucket, one for each object under repair, until it is healed. The bytes
stay in the bucket of the object, below ``quarantine/``; only undoing an upload deletes them.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import ValidationError

from shared.errors import ArtefactError, NotFoundError
from shared.schemas.damage import Damage, DamageRecord
from shared.storage import layout
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)


def record(records: ObjectStore, damage: Damage, action: str) -> DamageRecord:
    """Record a damaged object whose bytes stay in place, such as a pointer or a missing object.

    Recording it again keeps the time when it was found.

    Args:
        records: the artefact bucket.
        damage: what is wrong.
        action: what is being done about it, in a few words.
    """
    earlier = find(records, damage.bucket, damage.key)
    return _put(records, damage, action, earlier, earlier.copy_key if earlier else None)


def set_aside(
    records: ObjectStore, store: ObjectStore, damage: Damage, action: str, *, keep: bool = False
) -> DamageRecord:
    """Copy a damaged object below ``quarantine/``, record it, then remove it.

    Args:
        records: the artefact bucket.
        store: the bucket of the object.
        damage: what is wrong.
        action: what is being done about it, in a few words.
        keep: leave the object in place, because it is replaced in a single step.
    """
    target: str | None = layout.quarantined(damage.key, _stamp(datetime.now(UTC)))
    earlier = find(records, damage.bucket, damage.key)
    try:
        store.copy(damage.key, str(target))
    except NotFoundError:
        target = earlier.copy_key if earlier else None
    saved = _put(records, damage, action, earlier, target)
    if not keep:
        store.delete(damage.key)
    return saved


def set_aside_folder(
    store: ObjectStore, prefix: str, damages: Sequence[Damage], action: str
) -> None:
    """Move all objects of a version below ``quarantine/``, its manifest first.

    Args:
        store: the artefact bucket.
        prefix: of the version.
        damages: the damaged ones, which are recorded.
        action: what is being done about it, in a few words.
    """
    stamp = _stamp(datetime.now(UTC))
    for damage in damages:
        record(store, damage, action)
    keys = [info.key for info in store.list(prefix)]
    for key in sorted(keys, key=lambda each: not each.endswith("/manifest.json")):
        with suppress(NotFoundError):
            store.copy(key, layout.quarantined(key, stamp))
        store.delete(key)


def _put(
    records: ObjectStore,
    damage: Damage,
    action: str,
    earlier: DamageRecord | None,
    copy_key: str | None,
) -> DamageRecord:
    if earlier is not None and earlier.copy_key and damage.problem == "missing":
        damage = earlier  # it is missing because it was set aside
    saved = DamageRecord(
        **damage.model_dump(include=set(Damage.model_fields)),
        found_at=earlier.found_at if earlier else datetime.now(UTC),
        action=action,
        copy_key=copy_key,
    )
    if saved != earlier:
        body = saved.model_dump_json(indent=1).encode()
        records.put(layout.open_damage(damage.bucket, damage.key), body)
        log.error("object damaged: %s: %s", damage.reason, action, extra={"key": damage.key})
    return saved


def set_aside_record(records: ObjectStore, unreadable: DamageRecord) -> None:
    """Move a record that cannot be read: a check finds its object again if it is damaged."""
    records.copy(unreadable.key, layout.quarantined(unreadable.key, _stamp(datetime.now(UTC))))
    records.delete(unreadable.key)


def heal(records: ObjectStore, healed: DamageRecord) -> None:
    """Close the record of an object that is whole again or no longer needed."""
    now = datetime.now(UTC)
    target = layout.healed_damage(healed.bucket, healed.key, _stamp(now))
    body = healed.model_copy(update={"healed_at": now}).model_dump_json(indent=1).encode()
    records.put(target, body)
    records.delete(layout.open_damage(healed.bucket, healed.key))
    log.info("object healed", extra={"key": healed.key})


def open_records(records: ObjectStore) -> list[DamageRecord]:
    """The objects under repair, in the order in which they were found.

    A record that cannot be read is listed as a damaged object itself.
    """
    found = list(_read_all(records))
    return sorted(found, key=lambda each: (each.found_at, each.key))


def _read_all(records: ObjectStore) -> Iterator[DamageRecord]:
    for info in list(records.list(layout.OPEN_DAMAGES)):
        with suppress(NotFoundError):  # healed in the meantime
            try:
                yield _read(records, info.key)
            except ArtefactError as error:
                yield DamageRecord(
                    bucket=records.bucket,
                    key=info.key,
                    problem="corrupt",
                    reason=error.message,
                    found_at=datetime.now(UTC),
                    action="the next check finds its object again",
                )


def find(records: ObjectStore, bucket: str, key: str) -> DamageRecord | None:
    """The record of an object under repair; None if it is missing or unreadable."""
    try:
        return _read(records, layout.open_damage(bucket, key))
    except (NotFoundError, ArtefactError):
        return None


def _read(records: ObjectStore, key: str) -> DamageRecord:
    body, _ = records.get(key)
    try:
        return DamageRecord.model_validate_json(body)
    except ValidationError as error:
        raise ArtefactError(f"{key} cannot be read") from error


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S.%fZ}"
