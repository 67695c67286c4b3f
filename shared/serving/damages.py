"""The check of /health that names damaged objects and what is done about them."""

from shared.errors import UnavailableError
from shared.schemas.health import Check
from shared.storage.objects import ObjectStore
from shared.storage.quarantine import open_records

_MAX_NAMED = 5


def damage_check(store: ObjectStore) -> Check | None:
    """Return the check ``stored_objects``; None if no object is damaged or S3 does not answer."""
    try:
        records = open_records(store)
    except UnavailableError:  # serving continues without S3
        return None
    if not records:
        return None
    details = [
        f"{each.reason} (since {each.found_at:%Y-%m-%d %H:%M} UTC): {each.action}"
        for each in records[:_MAX_NAMED]
    ]
    if len(records) > _MAX_NAMED:
        details.append(f"and {len(records) - _MAX_NAMED} more, see quarantine/open/")
    return Check(status="degraded", detail="; ".join(details))
