"""What comes before and after reading an object: its check, options and description."""

from collections.abc import Mapping

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.reading import Profile, ReadOptions, split_mapping
from lambdas.collection.shown import fit_details
from shared.db.ingest.exclusions import excluded_keys
from shared.db.ingest.ledger import MAPPING
from shared.errors import IngestError, NotFoundError


def require_object(dependencies: Dependencies, key: str, etag: str) -> None:
    """Raise IngestError if an object is missing, superseded or too large."""
    try:
        info = dependencies.raw.head(key)
    except NotFoundError as error:
        message = "the object was deleted before it was read"
        raise IngestError("object_missing", message) from error
    if info.etag != etag.strip('"'):
        raise IngestError("object_superseded", "a newer version of the object replaced it")
    if info.size > dependencies.max_object_bytes:
        limit = dependencies.max_object_bytes
        message = f"the object has {info.size} bytes, the limit is {limit} bytes"
        raise IngestError("object_too_large", message)


def read_options(dependencies: Dependencies, columns: Mapping[str, str] | None) -> ReadOptions:
    """How to read an object with the mapping beside it."""
    mapping, hints = split_mapping(columns)
    return ReadOptions(
        mapping=mapping,
        hints=hints,
        reviewer_key=dependencies.reviewer_key,
        excluded=excluded_keys(dependencies.database),
        batch_rows=dependencies.batch_rows,
        limits=dependencies.limits,
    )


def describe_dump(
    dependencies: Dependencies,
    ingest_id: str,
    profile: Profile,
    warnings: list[str],
    options: ReadOptions,
) -> None:
    """Record what a dump turned out to be."""
    found = {
        "format": profile.format,
        "compression": profile.compression,
        "encoding": profile.encoding,
        "dump_schema": profile.dump_schema,
    }
    mapping = {**(options.mapping or {}), **options.hints} or None
    details = {**fit_details(profile.details), MAPPING: mapping}
    dependencies.ledger.describe(ingest_id, found, warnings, details)
