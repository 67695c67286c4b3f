"""Format versions of everything that is stored: what this release writes and what it reads.

A release reads the version that it writes and the one before. Files written before versions were
introduced carry none: they are version 1. docs/decisions/0013-stored-formats.md says when a version
must be raised; a new nullable column alone does not raise one.
"""

from dataclasses import dataclass

from shared.errors import ArtefactError

UNVERSIONED = 1
"""Version of a file that carries none."""
PARQUET_KEY = b"reviewlens.format"
"""Key of the version in the schema metadata of a Parquet file."""


class FormatError(ArtefactError):
    """A stored file or row has a format that this release does not read.

    The file itself is intact: unlike a corrupt one, it must never be left out silently.
    """

    code = "format_not_supported"


@dataclass(frozen=True, slots=True)
class StoredFormat:
    """A kind of stored file or row; ``version`` is the one that this release writes."""

    name: str
    version: int

    @property
    def readable(self) -> range:
        """The versions that this release reads: its own and the one before."""
        return range(max(UNVERSIONED, self.version - 1), self.version + 1)

    def check(self, file: str, version: object) -> None:
        """Check a version that was read from ``file``.

        Raises:
            FormatError: this release does not read it; names the file and both versions.
        """
        if isinstance(version, int) and version in self.readable:
            return
        numbers = " and ".join(str(number) for number in self.readable)
        versions = "versions" if len(self.readable) > 1 else "version"
        raise FormatError(
            f"{file} has format version {version!r}; this release reads {self.name} "
            f"{versions} {numbers}",
            details={"file": file, "version": str(version), "supported": list(self.readable)},
        )


CLEAN_SHARD = StoredFormat("clean shard", 2)
EMBEDDING_SHARD = StoredFormat("embedding shard", 2)
"""The array and the analyses beside it, which carry the version of both."""
INDEX = StoredFormat("index", 2)
"""All files of an index folder; rows.sqlite repeats the version in ``PRAGMA user_version``."""
MODEL = StoredFormat("model", 2)
"""Version 2 is written only for a model with a joint space; any other one stays version 1."""
DECISIONS = StoredFormat("decisions", 1)
"""The rules in the manifest of a model, ``parameters.decisions``."""
FUSION = StoredFormat("fusion head", 1)
"""A head for texts with pictures: its file, and ``parameters.fusion`` of the manifest."""
POINTER = StoredFormat("pointer", 1)
LEDGER = StoredFormat("ledger", 2)
"""Rows of the tables ingests and shards, in the column ``format_version``."""
FORMATS = (CLEAN_SHARD, EMBEDDING_SHARD, INDEX, MODEL, DECISIONS, FUSION, POINTER, LEDGER)
