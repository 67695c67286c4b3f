"""Counts the members of a zip archive before its directory is loaded into memory."""

import struct
from typing import IO

from shared.errors import IngestError

_END = b"PK\x05\x06"
_END_BYTES = 22
_MAX_COMMENT_BYTES = 65_535
_END64, _END64_BYTES, _LOCATOR_BYTES = b"PK\x06\x06", 56, 20
_UNKNOWN16, _UNKNOWN32 = 0xFFFF, 0xFFFFFFFF
"""Numbers that only the 64-bit record states."""
_MAX_BYTES_PER_MEMBER = 1024
"""Bytes of the directory per member: a name, a comment and extra fields."""


_ENTRY, _ENTRY_BYTES, _LENGTHS_AT = b"PK\x01\x02", 46, 28


def check_directory(file: IO[bytes], max_members: int) -> None:
    """Check the number of members and the size of the directory.

    Raises:
        IngestError: decompression_limit.
    """
    members, size, end = _declared(file)
    _check_count(members, max_members)
    if size > (limit := max_members * _MAX_BYTES_PER_MEMBER):
        message = f"the directory of the zip archive has {size} bytes, the limit is {limit}"
        raise IngestError("decompression_limit", message)
    file.seek(max(0, end - size))
    _check_count(_count_entries(file.read(size)), max_members)


def _check_count(members: int, limit: int) -> None:
    if members > limit:
        message = f"the zip archive has {members} members, the limit is {limit}"
        raise IngestError("decompression_limit", message)


def _declared(file: IO[bytes]) -> tuple[int, int, int]:
    """Members, bytes and end of the directory by its end records; zeros without one.

    Readers differ in which of two records they follow, so the larger numbers count.
    """
    length = file.seek(0, 2)
    start = max(0, length - _END_BYTES - _MAX_COMMENT_BYTES)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(_END, 0, len(tail) - _END_BYTES + len(_END))
    if place < 0:
        return 0, 0, 0
    members, size = struct.unpack_from("<HL", tail, place + 10)
    end = start + place
    record_at = max(0, end - _LOCATOR_BYTES - _END64_BYTES)
    file.seek(record_at)
    record = file.read(_END64_BYTES)
    if record.startswith(_END64):
        members64, size64 = struct.unpack_from("<QQ", record, 32)
        members = max(members64, members % _UNKNOWN16)
        size = max(size64, size % _UNKNOWN32)
        end = record_at
    return members, size, end


def _count_entries(directory: bytes) -> int:
    count = place = 0
    while directory.startswith(_ENTRY, place) and place + _ENTRY_BYTES <= len(directory):
        count += 1
        place += _ENTRY_BYTES + sum(struct.unpack_from("<HHH", directory, place + _LENGTHS_AT))
    return count
