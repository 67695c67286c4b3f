"""Reads zip archives with one member, and copies streams to disk where seeking is needed."""

import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

import stream_unzip

from lambdas.collection.reading.records import StreamState
from shared.errors import IngestError

_IN_MEMORY = 8 * 2**20
_CHUNK = 256 * 1024


def spool(chunks: Iterator[bytes]) -> IO[bytes]:
    """Copy a stream to a temporary file (in memory while it is small) and rewind it."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed with the dump
    for chunk in chunks:
        file.write(chunk)
    file.seek(0)
    return file


def _is_data(name: str) -> bool:
    path = PurePosixPath(name)
    return not name.endswith("/") and "__MACOSX" not in path.parts and not path.name.startswith(".")


def zip_member(file: IO[bytes], state: StreamState) -> Iterator[bytes]:
    """Stream the one data member of a zip archive.

    Directories, hidden files and the files that macOS adds are ignored. A truncated archive is read
    up to the point where it ends.

    Raises:
        IngestError: archive_unsupported if there is not exactly one member, or it is encrypted.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        file.seek(0)  # truncated: the directory is at the end of an archive
        return _streamed(file, state)
    members = [member for member in archive.infolist() if _is_data(member.filename)]
    if len(members) != 1:
        raise _not_one([member.filename for member in members])
    if members[0].flag_bits & 1:
        raise IngestError("archive_unsupported", "the zip archive is encrypted")
    return _extracted(archive, members[0], state)


def _extracted(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, state: StreamState
) -> Iterator[bytes]:
    try:
        with archive.open(member) as content:
            while chunk := content.read(_CHUNK):
                yield chunk
    except NotImplementedError as error:
        raise IngestError("archive_unsupported", f"the zip archive: {error}") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        state.truncated = True
        state.warnings.append(f"the zip archive is damaged; the rest is not read: {error}"[:200])


def _not_one(names: list[str]) -> IngestError:
    listed = ", ".join(repr(name[:80]) for name in names[:20]) or "none"
    return IngestError(
        "archive_unsupported",
        f"a zip archive must contain exactly one file; its members are {listed}",
        details={"members": names[:100]},
    )


def _streamed(file: IO[bytes], state: StreamState) -> Iterator[bytes]:
    members: list[str] = []
    try:
        for name, _size, chunks in stream_unzip.stream_unzip(
            iter(lambda: file.read(_CHUNK), b""), chunk_size=_CHUNK
        ):
            member = name.decode("utf-8", "replace")
            is_data = _is_data(member)
            if is_data:
                members.append(member)
                if len(members) > 1:
                    raise _not_one(members)
            for chunk in chunks:
                if is_data:
                    yield chunk
    except (stream_unzip.PasswordError, stream_unzip.MissingPasswordError) as error:
        raise IngestError("archive_unsupported", "the zip archive is encrypted") from error
    except stream_unzip.UnzipError as error:
        if not members:
            raise IngestError("archive_unsupported", "the zip archive cannot be read") from error
        state.truncated = True
        state.warnings.append("the zip archive is truncated or damaged; the rest is not read")
