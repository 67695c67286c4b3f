"""Counts the members of a zip archive before its directory is loaded into memory."""

import struct
from typing import IO

from shared.errors import IngestError

_END = b"PK\x05\x06"
_END_BYTES = 22
_MAX_COMMENT_BYTES = 65_535
_END64, _END64_BYTES, _LOCATOR_BYTES = b"PK\x06\x06", 56, 20
_MAX_BYTES_PER_MEMBER = 1024
"""Bytes of the directory per member: a name, a comment and extra fields."""


def check_directory(file: IO[bytes], max_members: int) -> None:
    """Check the number of members and the size of the directory.

    Raises:
        IngestError: decompression_limit.
    """
    members, size = _declared(file)
    if members > max_members:
        message = f"the zip archive has {members} members, the limit is {max_members}"
        raise IngestError("decompression_limit", message)
    if size > (limit := max_members * _MAX_BYTES_PER_MEMBER):
        message = f"the directory of the zip archive has {size} bytes, the limit is {limit}"
        raise IngestError("decompression_limit", message)


def _declared(file: IO[bytes]) -> tuple[int, int]:
    """Members and bytes of the directory as its end record declares them; zeros without one."""
    length = file.seek(0, 2)
    start = max(0, length - _END_BYTES - _MAX_COMMENT_BYTES)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(_END, 0, len(tail) - _END_BYTES + len(_END))
    if place < 0:
        return 0, 0
    members, size = struct.unpack_from("<HL", tail, place + 10)
    file.seek(max(0, start + place - _LOCATOR_BYTES - _END64_BYTES))
    record = file.read(_END64_BYTES)
    if record.startswith(_END64):
        members, size = struct.unpack_from("<QQ", record, 32)
    return members, size
