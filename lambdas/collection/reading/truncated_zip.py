"""Reads a zip archive without its directory, which is at the end and missing if it is truncated."""

from collections.abc import Iterable, Iterator
from typing import IO

import stream_unzip

from lambdas.collection.reading.records import Entry, StreamState
from shared.errors import IngestError

_CHUNK_BYTES = 256 * 1024


def read_truncated(file: IO[bytes], state: StreamState) -> Iterator[Entry]:
    """Yield the members of a zip archive in their order, to where it ends.

    A member that is damaged marks ``state``.

    Raises:
        IngestError: archive_unsupported if no member can be read.
    """
    is_empty = True
    try:
        for name, size, chunks in stream_unzip.stream_unzip(
            iter(lambda: file.read(_CHUNK_BYTES), b""), chunk_size=_CHUNK_BYTES
        ):
            is_empty = False
            member = name.decode("utf-8", "replace")
            content = _until_damaged(chunks, state)
            yield Entry(member, size, content, "" if member.endswith("/") else None)
            for _ in content:
                pass
            if state.truncated:
                return
    except (stream_unzip.PasswordError, stream_unzip.MissingPasswordError) as error:
        raise IngestError("archive_unsupported", "the zip archive is encrypted") from error
    except stream_unzip.UnzipError as error:
        if is_empty:
            raise IngestError("archive_unsupported", "the zip archive cannot be read") from error
        _mark_truncated(state)


def _until_damaged(chunks: Iterable[bytes], state: StreamState) -> Iterator[bytes]:
    try:
        yield from chunks
    except (stream_unzip.PasswordError, stream_unzip.MissingPasswordError) as error:
        raise IngestError("archive_unsupported", "the zip archive is encrypted") from error
    except stream_unzip.UnzipError:
        _mark_truncated(state)


def _mark_truncated(state: StreamState) -> None:
    state.truncated = True
    state.warnings.append("the zip archive is truncated or damaged; the rest is not read")
