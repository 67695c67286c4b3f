"""The source name of a dump whose columns name no source: its file name."""

import re
from pathlib import PurePosixPath

_SUFFIXES = re.compile(
    r"(\.(csv|tsv|txt|json|jsonl|ndjson|xml|parquet|xlsx|review|dat|gz|gzip|bz2|zst|zstd|zip|tar|tgz"
    r"|xz|lz4|br))+$"
)
_UPLOAD_ID = re.compile(r"(?<![0-9a-z])([0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_SEPARATORS = re.compile(r"[\W_]+")
_MAX_CHARACTERS = 100
_NAMELESS = "dump"


def source_of(name: str) -> str:
    """Name a source after its file: ``uploads/2024/Shop Reviews.csv.gz`` is ``shop-reviews``.

    Folders, extensions and upload ids (long hexadecimal numbers, UUIDs) are left out. The name is
    no part of a review's identity, so the same rows in another file are duplicates.
    """
    stem = _SUFFIXES.sub("", PurePosixPath(name).name.lower())
    words = _SEPARATORS.sub("-", _UPLOAD_ID.sub("", stem)).strip("-")
    return words[:_MAX_CHARACTERS].rstrip("-") or _NAMELESS
