"""Reads the members of zip archives, and copies streams to disk where seeking is needed."""

import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from lambdas.collection.reading.records import Entry, StreamState
from lambdas.collection.reading.zip_directory import check_directory
from shared.errors import IngestError, report_full_disk

_IN_MEMORY = 8 * 2**20
_TOO_LARGE = (
    "a Parquet, zip or Excel file is copied to the disk of the function, which has space for"
    " {max_bytes} bytes of it: split it, or upload CSV or JSON lines (plain, or with gzip), which"
    " are not copied"
)
_CHUNK = 256 * 1024


def spool(chunks: Iterator[bytes], max_bytes: int) -> IO[bytes]:
    """Copy a stream to a temporary file (in memory while it is small) and rewind it.

    Args:
        chunks: the stream.
        max_bytes: its largest size.

    Raises:
        IngestError: object_too_large.
        StorageFullError: the disk has no space for it.
    """
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed with the dump
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            file.close()
            raise IngestError("object_too_large", _TOO_LARGE.format(max_bytes=max_bytes))
        with report_full_disk("the dump cannot be copied to a temporary file"):
            file.write(chunk)
    file.seek(0)
    return file


def file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Read a file chunk by chunk from its current position."""
    while chunk := file.read(_CHUNK):
        yield chunk


def read_zip(file: IO[bytes], state: StreamState) -> Iterator[Entry]:
    """Yield the members of a zip archive; a truncated archive is read to where it ends.

    A member that is damaged marks ``state``.

    Raises:
        IngestError: archive_unsupported if a truncated archive has no readable member.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        file.seek(0)  # truncated: the directory is at the end of an archive
        from lambdas.collection.reading.truncated_zip import read_truncated  # loads pycryptodome

        yield from read_truncated(file, state)
        return
    for member in archive.infolist():
        if member.is_dir():
            yield Entry(member.filename, 0, iter(()), "")
        else:
            chunks = _extracted(archive, member, state)
            yield Entry(member.filename, member.file_size, chunks)


def open_zip(chunks: Iterator[bytes], max_members: int, max_bytes: int) -> IO[bytes]:
    """Copy a zip archive to a temporary file and check its directory.

    Raises:
        IngestError: decompression_limit, or object_too_large if it has more than ``max_bytes``.
    """
    return check_zip(spool(chunks, max_bytes), max_members)


def check_zip(file: IO[bytes], max_members: int) -> IO[bytes]:
    """Check the directory of a zip archive before it is loaded into memory.

    Raises:
        IngestError: decompression_limit.
    """
    check_directory(file, max_members)
    file.seek(0)
    return file


def _extracted(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, state: StreamState
) -> Iterator[bytes]:
    if member.flag_bits & 1:
        raise IngestError("archive_unsupported", "the zip archive is encrypted")
    try:
        with archive.open(member) as content:
            yield from file_chunks(content)
    except NotImplementedError as error:
        raise IngestError("archive_unsupported", f"the zip archive: {error}") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        state.truncated = True
        state.warnings.append(f"the zip archive is damaged; the rest is not read: {error}"[:200])
