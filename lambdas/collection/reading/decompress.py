"""Decompresses streams chunk by chunk, in bounded memory and within limits."""

import bz2
import lzma
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import zstandard
from isal import isal_zlib

from lambdas.collection.reading.cpu_time import CpuBudget
from lambdas.collection.reading.options import Limits
from lambdas.collection.reading.records import StreamState
from lambdas.collection.reading.tar import is_tar
from shared.errors import IngestError

READ_BYTES = 256 * 1024
OUT_BYTES = 128 * 1024
_PIECE_BYTES = 32 * 2**10
_MIN_CHUNK_BYTES = 64 * 1024
# A zstd block of a few bytes may expand to 128 KiB and the decoder cannot be interrupted, so its
# input is small.
_ZSTD_INPUT_BYTES = 2048
_ZSTD_WINDOW = 2**28
"""Largest window of a zstd frame; it is held in memory."""
_ZSTD_HEADER_BYTES = 18
_XZ_MEMORY = 2**28

_GZIP, _BZIP2, _ZSTD, _ZIP = b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_XZ = b"\xfd7zXZ\x00"
_EMPTY_ZIP = b"PK\x05\x06"
_SKIPPABLE = tuple(bytes((0x50 + n,)) + b"\x2a\x4d\x18" for n in range(16))
_UNSUPPORTED = {
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
    b"\x04\x22\x4d\x18": "LZ4",
    b"\x02\x21\x4c\x18": "LZ4",
    b"\xff\x06\x00\x00sNaPpY": "Snappy",
    b"LZIP": "lzip",
    b"\x1f\x9d": "compress (.Z)",
}


Step = Callable[[bytes], tuple[bytes, bytes | None, bool]]


def compression_of(head: bytes) -> str:
    """Detect the layer that the bytes start with: a compression, zip, tar or none.

    Raises:
        IngestError: archive_unsupported for archives that cannot be read.
    """
    for magic, name in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise IngestError(
                "archive_unsupported", f"{name} archives are not supported; use gzip or zstd"
            )
    if is_tar(head):
        return "tar"
    if head.startswith(_XZ):
        return "xz"
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_BZIP2) and head[3:4].isdigit() and head[4:10] in _BZ_BLOCKS:
        return "bzip2"
    if head.startswith((_ZSTD, *_SKIPPABLE)):
        return "zstd"
    return "zip" if head.startswith((_ZIP, _EMPTY_ZIP)) else "none"


_BZ_BLOCKS = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")


def read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream chunk by chunk."""
    while chunk := stream.read(READ_BYTES):
        yield chunk


def expand(chunks: Iterator[bytes], compression: str, state: StreamState) -> Iterator[bytes]:
    """Decompress; a truncated or damaged stream ends early and is marked in ``state``.

    Raises:
        IngestError: archive_unsupported if the stream is damaged before its first byte, or needs
            too much memory; empty_object if it is truncated before its first byte.
    """
    has_output = False
    for chunk in _joined(_expand(chunks, compression, state)):
        has_output = True
        yield chunk
    if state.truncated and not has_output:
        message = f"the {compression} stream is truncated before its first byte"
        if state.decompression_error is None:
            raise IngestError("empty_object", message)
        message = f"the {compression} stream cannot be decompressed: {state.decompression_error}"
        raise IngestError("archive_unsupported", message[:300])


def _joined(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join small chunks: thousands of members of a byte each would take quadratic time."""
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= _MIN_CHUNK_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
    except IngestError:
        if parts:
            yield b"".join(parts)
        raise
    if parts:
        yield b"".join(parts)


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Split large chunks: a decoder copies what is behind the end of its member."""
    for chunk in chunks:
        for at in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[at : at + _PIECE_BYTES]


def _expand(chunks: Iterator[bytes], compression: str, state: StreamState) -> Iterator[bytes]:
    if compression == "gzip":
        yield from _members(chunks, state, _gzip_member, (_GZIP,))
    elif compression == "bzip2":
        yield from _members(chunks, state, _bzip2_member, (_BZIP2,))
    elif compression == "zstd":
        yield from _members(chunks, state, _zstd_member, (_ZSTD, *_SKIPPABLE))
    elif compression == "xz":
        yield from _members(chunks, state, _xz_member, (_XZ,))
    else:
        yield from chunks


def _gzip_member() -> Step:
    decoder = isal_zlib.decompressobj(wbits=31)

    def step(data: bytes) -> tuple[bytes, bytes | None, bool]:
        out = decoder.decompress(data, OUT_BYTES)
        if decoder.eof:
            return out, decoder.unused_data, True
        more = len(out) >= OUT_BYTES  # output may remain although all input is used
        return out, decoder.unconsumed_tail or (None if more else b""), False

    return step


def _bzip2_member() -> Step:
    decoder = bz2.BZ2Decompressor()

    def step(data: bytes) -> tuple[bytes, bytes | None, bool]:
        out = decoder.decompress(data, OUT_BYTES)
        if decoder.eof:
            return out, decoder.unused_data, True
        return out, b"" if decoder.needs_input else None, False

    return step


def _zstd_member() -> Step:
    decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    head = b""

    def step(data: bytes) -> tuple[bytes, bytes | None, bool]:
        nonlocal head
        if len(head) < _ZSTD_HEADER_BYTES:
            head += data[:_ZSTD_HEADER_BYTES]
            _check_window(head)
        out = decoder.decompress(data[:_ZSTD_INPUT_BYTES])
        rest = (decoder.unused_data if decoder.eof else b"") + data[_ZSTD_INPUT_BYTES:]
        return out, rest, decoder.eof

    return step


def _check_window(head: bytes) -> None:
    try:
        window = zstandard.get_frame_parameters(head).window_size
    except zstandard.ZstdError:
        return  # incomplete, skippable or damaged: the decoder decides
    if window > _ZSTD_WINDOW:
        message = f"the zstd frame needs a window of {window} bytes, the limit is {_ZSTD_WINDOW}"
        raise IngestError("archive_unsupported", f"{message} (zstd --long=28)")


def _xz_member() -> Step:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def step(data: bytes) -> tuple[bytes, bytes | None, bool]:
        try:
            out = decoder.decompress(data, OUT_BYTES)
        except lzma.LZMAError as error:
            if "limit" not in str(error):
                raise
            message = f"the xz stream needs more than {_XZ_MEMORY} bytes of memory"
            raise IngestError("archive_unsupported", message) from error
        if decoder.eof:
            return out, decoder.unused_data, True
        return out, b"" if decoder.needs_input else None, False

    return step


def _members(
    chunks: Iterator[bytes],
    state: StreamState,
    start: Callable[[], Step],
    magics: tuple[bytes, ...],
) -> Iterator[bytes]:
    """Read consecutive members or frames.

    ``step`` takes input and returns output, the unused input (None: there is none, but more output
    remains) and whether the member ended.
    """
    step: Step | None = start()
    between = b""
    for piece in _pieces(chunks):
        data: bytes | None = between + piece
        while data or data is None:
            if step is None:
                between = (data or b"").lstrip(b"\0")
                if len(between) < 4:
                    break
                if not between.startswith(magics):
                    state.warnings.append("bytes after the compressed stream are not read")
                    return
                step, data, between = start(), between, b""
            try:
                out, data, done = step(data or b"")
            except _ERRORS as error:
                state.truncated = True
                state.decompression_error = str(error)
                state.warnings.append("the compressed stream is damaged; the rest is not read")
                return
            if out:
                yield out
            if done:
                step = None
    if step is not None:
        state.truncated = True
        state.warnings.append("the compressed stream is truncated")


_ERRORS: tuple[type[Exception], ...] = (
    cast("type[Exception]", isal_zlib.error),
    OSError,
    EOFError,
    ValueError,
    zstandard.ZstdError,
    lzma.LZMAError,
)


class SizeLimit:
    """Counts the bytes of a dump and enforces the limits on size, expansion and CPU time."""

    def __init__(
        self, read: Callable[[], int], limits: Limits, state: StreamState, cpu: CpuBudget
    ) -> None:
        self._read = read
        self._limits = limits
        self._state = state
        self.cpu = cpu

    def add(self, size: int, *, expanded: bool) -> None:
        """Count ``size`` more bytes; ``expanded``: they may be more than those of the object.

        Raises:
            IngestError: decompression_limit, object_too_large for an uncompressed object, or
                cpu_time_limit.
        """
        state, limits = self._state, self._limits
        state.bytes_out += size
        if state.bytes_out > limits.max_bytes:
            code = "decompression_limit" if expanded else "object_too_large"
            raise IngestError(code, f"the dump has more than {limits.max_bytes} bytes")
        self.cpu.read_bytes(state.bytes_out)
        self.cpu.check()
        if not expanded or state.bytes_out <= limits.ratio_floor:
            return
        if state.bytes_out > limits.max_ratio * self._read():
            message = f"the dump expands more than {limits.max_ratio:g} times"
            raise IngestError("decompression_limit", message)

    def apply(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass chunks on and count them."""
        for chunk in chunks:
            self.add(len(chunk), expanded=self._state.compression != "none")
            yield chunk


class CountedChunks:
    """Reads a stream chunk by chunk and counts its bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.bytes_read = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in read_chunks(self._stream):
            self.bytes_read += len(chunk)
            yield chunk
