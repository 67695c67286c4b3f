"""The column mapping that a user stored beside a dump."""

from pydantic import ConfigDict, TypeAdapter, ValidationError

from shared.errors import IngestError, NotFoundError
from shared.storage.layout import MAPPING_NAME
from shared.storage.objects import ObjectStore

_MAX_BYTES = 64 * 1024
_MAPPING = TypeAdapter(dict[str, str], config=ConfigDict(coerce_numbers_to_str=True))


def find_mapping(raw: ObjectStore, key: str) -> dict[str, str] | None:
    """Load the mapping of an object: ``<key>.mapping.json``, else ``mapping.json`` beside it.

    Raises:
        IngestError: mapping_invalid; the mapping is not a JSON object of strings, or too large.
    """
    folder = key.rpartition("/")[0]
    for mapping_key in (f"{key}.{MAPPING_NAME}", f"{folder}/{MAPPING_NAME}"):
        try:
            size = raw.head(mapping_key).size
            body = raw.get(mapping_key)[0] if size <= _MAX_BYTES else b""
        except NotFoundError:
            continue
        if size > _MAX_BYTES:
            message = f"{mapping_key} is larger than {_MAX_BYTES} bytes"
            raise IngestError("mapping_invalid", message)
        try:
            return _MAPPING.validate_json(body.removeprefix(b"\xef\xbb\xbf"))
        except ValidationError as error:
            message = f"{mapping_key} must be a JSON object that maps field names to column names"
            raise IngestError("mapping_invalid", message) from error
    return None
