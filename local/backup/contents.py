"""Contents of a backup: its manifest, and one line for each object."""

from pydantic import BaseModel, ConfigDict, ValidationError

from local.errors import LocalStackError

FORMAT = 1
DATABASE = "database.dump"
OBJECTS = "objects.jsonl"


class StoredFile(BaseModel):
    """A file of the backup: SHA-256 (hex) and size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    bytes: int


class StoredObject(BaseModel):
    """One object of a bucket, and the file ``objects/<sha256>`` with its bytes.

    ``attributes`` are those of its record: ETag, times, metadata, tags.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: str
    key: str
    sha256: str
    bytes: int
    attributes: dict[str, object]

    @property
    def file(self) -> str:
        """Name of the file with its bytes; equal bytes are stored once."""
        return f"objects/{self.sha256}"


class Search(BaseModel):
    """A search when the backup was made: the reviews nearest to a text, best first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    review_ids: list[str]


class Manifest(BaseModel):
    """The file ``backup.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    release: str
    created_at: str
    revision: str
    files: dict[str, StoredFile]
    objects: int
    object_bytes: int
    counts: dict[str, int]
    searches: list[Search]
    left_out: list[str]


def parse_manifest(body: bytes, label: str) -> Manifest:
    """Read a manifest.

    Raises:
        LocalStackError: it is damaged, or a newer release wrote it.
    """
    try:
        manifest = Manifest.model_validate_json(body)
    except ValidationError as error:
        raise LocalStackError(f"{label}: backup.json is damaged or of a newer release.") from error
    if manifest.format > FORMAT:
        raise LocalStackError(
            f"{label}: backup.json has format {manifest.format}, and this release reads {FORMAT}: "
            f"restore it with release {manifest.release} or newer."
        )
    return manifest
