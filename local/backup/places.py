"""Where a backup is: a folder, or a prefix in S3."""

import shutil
from pathlib import Path
from typing import Protocol

from local.errors import LocalStackError
from local.files import sync_path
from shared.errors import NotFoundError
from shared.storage.objects import S3Store

MANIFEST = "backup.json"
"""Written last: a backup without it is incomplete."""
UNFINISHED = "backup.unfinished"


class Place(Protocol):
    """Files of a backup by name; a name may have one slash."""

    label: str

    def sizes(self) -> dict[str, int]:
        """Size of each file, by name."""

    def put(self, name: str, path: Path) -> None:
        """Store a file, which may be moved; it is complete or absent under its name."""

    def fetch(self, name: str, folder: Path) -> Path:
        """A file on this machine with the content of ``name``; NotFoundError if there is none."""

    def delete(self, name: str) -> None:
        """Delete a file; a missing one is not an error."""


class FolderPlace:
    """A backup in a folder that only its owner can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().absolute()
        self.label = str(self._folder)
        if self._folder.exists() and not self._folder.is_dir():
            raise LocalStackError(f"{self.label} is not a folder.", exit_code=2)

    def sizes(self) -> dict[str, int]:
        """See Place.sizes."""
        files = (path for path in self._folder.rglob("*") if path.is_file())
        return {path.relative_to(self._folder).as_posix(): path.stat().st_size for path in files}

    def put(self, name: str, path: Path) -> None:
        """See Place.put."""
        target = self._folder / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        shutil.copyfile(path, partial)
        partial.chmod(0o600)
        sync_path(partial)
        partial.replace(target)
        sync_path(target.parent)

    def fetch(self, name: str, folder: Path) -> Path:  # noqa: ARG002 - it is on this machine
        """See Place.fetch."""
        path = self._folder / name
        if not path.is_file():
            raise NotFoundError(f"{name} does not exist")
        return path

    def delete(self, name: str) -> None:
        """See Place.delete."""
        (self._folder / name).unlink(missing_ok=True)


class S3Place:
    """A backup below a prefix of a bucket, with the AWS credentials of the environment."""

    def __init__(self, store: S3Store, prefix: str) -> None:
        self._store = store
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.label = f"s3://{store.bucket}/{self._prefix}"

    def sizes(self) -> dict[str, int]:
        """See Place.sizes."""
        infos = self._store.list(self._prefix)
        return {info.key.removeprefix(self._prefix): info.size for info in infos}

    def put(self, name: str, path: Path) -> None:
        """See Place.put."""
        self._store.upload(self._prefix + name, path)

    def fetch(self, name: str, folder: Path) -> Path:
        """See Place.fetch."""
        path = folder / name.replace("/", "-")
        self._store.download(self._prefix + name, path)
        return path

    def delete(self, name: str) -> None:
        """See Place.delete."""
        self._store.delete(self._prefix + name)


def open_place(location: str) -> Place:
    """The place that a command names: ``FOLDER`` or ``s3://BUCKET/PREFIX``.

    Raises:
        LocalStackError: the bucket has no name, or there is a file in place of the folder.
    """
    if not location.startswith("s3://"):
        return FolderPlace(Path(location))
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not bucket:
        raise LocalStackError(f"{location}: write s3://BUCKET/PREFIX.", exit_code=2)
    import boto3

    return S3Place(S3Store(boto3.client("s3"), bucket), prefix)


def is_complete(place: Place, sizes: dict[str, int]) -> bool:
    """Whether a place has a complete backup.

    Raises:
        LocalStackError: it has files, and they are not of a backup.
    """
    if MANIFEST in sizes:
        return True
    if sizes and UNFINISHED not in sizes:
        message = f"{place.label} is not empty: choose another place for the backup."
        raise LocalStackError(message, exit_code=2)
    return False
