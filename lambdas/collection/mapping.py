"""The column mapping that a user put beside a dump."""

from pydantic import TypeAdapter, ValidationError

from lambdas.collection.arrivals import MAPPING_NAME
from shared.errors import IngestError, NotFoundError
from shared.storage.objects import ObjectStore

_MAX_BYTES = 64 * 1024
_MAPPING = TypeAdapter(dict[str, str])


def mapping_for(raw: ObjectStore, key: str) -> dict[str, str] | None:
    """Find the mapping of an object: ``<key>.mapping.json``, else ``mapping.json`` beside it.

    Raises:
        IngestError: mapping_invalid; there is one, but it is no object of strings.
    """
    folder = key.rpartition("/")[0]
    for place in (f"{key}.{MAPPING_NAME}", f"{folder}/{MAPPING_NAME}"):
        try:
            size = raw.head(place).size
            body = raw.get(place)[0] if size <= _MAX_BYTES else b""
        except NotFoundError:
            continue
        if size > _MAX_BYTES:
            raise IngestError("mapping_invalid", f"{place} has more than {_MAX_BYTES} bytes")
        try:
            return _MAPPING.validate_json(body.removeprefix(b"\xef\xbb\xbf"))
        except ValidationError as error:
            told = f"{place} must be a JSON object of field names to column names"
            raise IngestError("mapping_invalid", told) from error
    return None
