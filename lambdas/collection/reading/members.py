"""Finds the dumps in an object: the object itself, or the members of its archive."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import SEEK_END
from itertools import chain
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from lambdas.collection.reading.archive import check_zip, open_zip, read_zip
from lambdas.collection.reading.cpu_time import CPU_TIME_LIMIT, CpuBudget
from lambdas.collection.reading.decompress import CountedChunks, SizeLimit, compression_of, expand
from lambdas.collection.reading.office import is_workbook
from lambdas.collection.reading.options import Limits
from lambdas.collection.reading.records import Entry, StreamState
from lambdas.collection.reading.tar import read_tar
from shared.errors import IngestError

_HEAD_BYTES = 4096
_MAX_LAYERS = 3
_OPEN_COPIES = 3
"""Copies of members that are on the disk together: the first, the last one, and the next."""
_MAX_NAME = 500
_ARCHIVES = ("zip", "tar")
_DOCUMENTS = frozenset(
    {"readme", "license", "licence", "copying", "notice", "changelog", "changes", "authors",
     "contributing", "citation", "thumbs", "desktop"}
)  # fmt: skip
_DOCUMENT_SUFFIXES = frozenset(
    {"", ".txt", ".md", ".rst", ".html", ".htm", ".pdf", ".cff", ".bib", ".db", ".ini"}
)


@dataclass
class Member:
    """The bytes of one dump without compression; ``name`` is None if it is the object itself."""

    name: str | None
    chunks: Iterator[bytes]
    state: StreamState
    size: SizeLimit
    """Counts what ``chunks`` return; a format that expands counts the rest."""
    disk_bytes: int
    """Space on the disk for a copy of it."""
    workbook: IO[bytes] | None = None
    """An Excel workbook; ``chunks`` is empty then."""
    restart: Callable[[int], Iterator[bytes]] | None = None
    """Reads from a byte on instead of ``chunks``; None if that is not possible."""
    open_file: Callable[[], IO[bytes]] | None = None
    """Opens it as a file instead of ``chunks``; None if it has to be copied to the disk."""


@dataclass
class Failure:
    """A member that cannot be read."""

    name: str
    error: IngestError


@dataclass
class Source:
    """An object without its outer compression: one dump, or an archive with members."""

    state: StreamState
    dump: Member | None = None
    members: Iterator[Member | Failure] = field(default_factory=lambda: iter(()))
    skipped: list[str] = field(default_factory=list)
    """Names of members that are not dumps; complete after the last member."""


Copy = Callable[[Iterator[bytes]], Iterator[bytes]]
"""Passes on the text of a compressed dump, and keeps it."""
OpenFile = Callable[[int], IO[bytes]]
"""Opens an object as a file that is read anywhere, with so many bytes of space on the disk."""


def open_source(
    stream: BinaryIO,
    limits: Limits,
    copy: Copy | None = None,
    open_file: OpenFile | None = None,
) -> Source:
    """Remove the compression of an object and look for an archive in it.

    Args:
        stream: its bytes.
        limits: bounds of reading.
        copy: is given the text of a compressed dump, or of each member of an archive.
        open_file: opens the object; without it, formats that need a file are copied to the disk.

    Raises:
        IngestError: empty_object, archive_unsupported, decompression_limit.
    """
    counted, state, cpu = CountedChunks(stream), StreamState(), CpuBudget(limits)
    chunks, head, kind = _peel(iter(counted), state)
    if not head and state.compression == "none":
        raise IngestError("empty_object", "the object has no bytes")
    size = SizeLimit(lambda: counted.bytes_read, limits, state, cpu)
    chunks, disk = size.apply(chunks), limits.max_file_bytes
    opened = _opener(open_file, counted, size, state, disk // 2)
    if kind == "zip":
        if opened is not None:
            file, used = check_zip(opened(), limits.max_members), disk // 2
        else:
            file = open_zip(chunks, limits.max_members, disk)
            used = _size_of(file)
        if is_workbook(file):
            return Source(state, Member(None, iter(()), state, size, disk, file))
        disk -= used
        entries = read_zip(file, state)
    elif kind == "tar":
        entries = read_tar(chunks, state)
    else:
        restart = None
        if state.compression == "none" and getattr(stream, "seekable", bool)():

            def restart(offset: int) -> Iterator[bytes]:
                stream.seek(offset)
                state.bytes_out = offset
                return size.apply(iter(counted))

        elif copy is not None and state.compression != "none":
            chunks = copy(chunks)
        dump = Member(None, chunks, state, size, disk, restart=restart, open_file=opened)
        return Source(state, dump)
    state.compression = kind if state.compression == "none" else f"{state.compression}+{kind}"
    source = Source(state)
    counts = StreamState(compression=state.compression)
    size = SizeLimit(lambda: counted.bytes_read, limits, counts, cpu)
    source.members = _Reader(source, limits, size, disk // _OPEN_COPIES, copy).read(entries)
    return source


def _opener(
    open_file: OpenFile | None,
    counted: CountedChunks,
    size: SizeLimit,
    state: StreamState,
    disk_bytes: int,
) -> Callable[[], IO[bytes]] | None:
    """Opens an object without a copy, and counts its bytes as if there were one.

    None if that is not possible.
    """
    if open_file is None or state.compression != "none":
        return None

    def opened() -> IO[bytes]:
        file = open_file(disk_bytes)
        counted.bytes_read = _size_of(file)
        size.add(counted.bytes_read - state.bytes_out, expanded=False)
        return file

    return opened


def _size_of(file: IO[bytes]) -> int:
    """The size of a file, which is rewound."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    return size


def _peel(chunks: Iterator[bytes], state: StreamState) -> tuple[Iterator[bytes], bytes, str]:
    """Remove layers of compression; returns the bytes, their head, and what they start with."""
    layers: list[str] = []
    while True:
        head = _read_head(chunks)
        chunks = chain((head,), chunks) if head else iter(())
        kind = compression_of(head)
        if kind in ("none", *_ARCHIVES):
            break
        if len(layers) == _MAX_LAYERS:
            message = f"the object is compressed more than {_MAX_LAYERS} times"
            raise IngestError("archive_unsupported", message)
        layers.append(kind)
        chunks = expand(chunks, kind, state)
    state.compression = "+".join(layers) or "none"
    return chunks, head, kind


def head_of(body: bytes) -> bytes:
    """The first bytes of an object without its compression; none if they cannot be read."""
    try:
        return _peel(iter((body,)), StreamState())[1]
    except IngestError:
        return b""


def _read_head(chunks: Iterator[bytes]) -> bytes:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    return head


class _Reader:
    """Opens the members of one archive."""

    def __init__(
        self,
        source: Source,
        limits: Limits,
        size: SizeLimit,
        disk_bytes: int,
        copy: Copy | None,
    ) -> None:
        self._source = source
        self._limits = limits
        self._size = size
        """Counts the bytes of all members."""
        self._disk_bytes = disk_bytes
        self._copy = copy
        self._names: Counter[str] = Counter()

    def read(self, entries: Iterator[Entry]) -> Iterator[Member | Failure]:
        name = ""
        for number in itertools.count(1):
            entry = _next_entry(entries, name)
            if entry is None:
                return
            name = self._unique_name(entry.name)
            if number > self._limits.max_members:
                limit = self._limits.max_members
                message = f"the archive has more than {limit} members; {name} is not read"
                raise IngestError("decompression_limit", message)
            reason = entry.skip_reason if entry.skip_reason is not None else skip_reason(entry)
            if reason is None:
                yield self._open(name, entry.chunks)
            elif reason:
                self._source.skipped.append(f"{name} ({reason})")

    def _unique_name(self, name: str) -> str:
        """The name as PostgreSQL accepts it; a repeated name gets a number."""
        name = name.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:_MAX_NAME]
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name} ({self._names[name]})"

    def _open(self, name: str, content: Iterator[bytes]) -> Member | Failure:
        try:
            return self._open_member(name, content)
        except IngestError as error:
            if error.code == "decompression_limit":
                raise IngestError(error.code, f"{name}: {error.message}") from error
            return Failure(name, error)

    def _open_member(self, name: str, content: Iterator[bytes]) -> Member:
        state = StreamState()
        outer = self._source.state
        chunks, _head, kind = _peel(_copy_state(content, outer, state), state)
        inner = "" if state.compression == "none" else f"+{state.compression}"
        state.compression = outer.compression + inner
        chunks = self._size.apply(chunks)
        if kind == "zip":
            file = open_zip(chunks, self._limits.max_members, self._disk_bytes)
            if is_workbook(file):
                return Member(name, iter(()), state, self._size, self._disk_bytes, file)
        if kind in _ARCHIVES:
            message = f"it is a {kind} archive inside an archive"
            raise IngestError("archive_unsupported", message)
        if self._copy is not None:
            chunks = self._copy(chunks)
        return Member(name, chunks, state, self._size, self._disk_bytes)


def _next_entry(entries: Iterator[Entry], previous: str) -> Entry | None:
    """The next member; a limit that the rest of the previous one exceeds names that member."""
    try:
        return next(entries, None)
    except IngestError as error:
        if error.code not in ("decompression_limit", CPU_TIME_LIMIT):
            raise
        raise IngestError(error.code, f"{previous}: {error.message}") from error


def _copy_state(chunks: Iterator[bytes], outer: StreamState, state: StreamState) -> Iterator[bytes]:
    """Pass chunks on; a member in which the archive is truncated is truncated itself."""
    warnings = len(outer.warnings)
    yield from chunks
    if len(outer.warnings) > warnings:
        state.truncated = state.truncated or outer.truncated


def skip_reason(entry: Entry) -> str | None:
    """Return why a member is not a dump, judged by its name and size; None for a dump."""
    path = PurePosixPath(entry.name)
    if "__MACOSX" in path.parts or any(_is_hidden(part) for part in path.parts):
        return "hidden"
    stem = path.name.partition(".")[0].lower()
    if stem in _DOCUMENTS and path.suffix.lower() in _DOCUMENT_SUFFIXES:
        return "not a dump"
    return "empty" if entry.size == 0 else None


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in (".", "..")
