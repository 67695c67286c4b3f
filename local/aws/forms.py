"""Checks the signed forms with which a program uploads an object (S3's POST).

The fields stand before the file. Only they are read; the server then reads the whole form.
"""

import base64
import io
import json
import re
from datetime import UTC, datetime
from typing import Any, BinaryIO

from local.aws.signature import ALGORITHM, SignatureError, check_credential, check_digest
from local.credentials import AwsKeys
from shared.http.door import Incoming

_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";,]{1,200})"?', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition: *form-data;.*\bname="([^"]*)"', re.IGNORECASE)
_MAX_FIELDS_BYTES = 64 * 2**10
_UNCONDITIONAL = frozenset({"policy", "x-amz-signature", "file"})
_DENIED = "AccessDenied"


def is_form(request: Incoming) -> bool:
    """Whether the request is an upload by form."""
    return request.method == "POST" and any(
        value.lower().startswith("multipart/form-data") for value in request.values("content-type")
    )


def check_form(request: Incoming, environ: dict[str, Any], keys: AwsKeys) -> None:
    """Check the signature and the conditions of a form.

    Raises:
        SignatureError: it is not signed with these keys, or does not meet its policy.
    """
    fields, file_bytes = _read_fields(request, environ)
    try:
        policy = json.loads(base64.b64decode(fields["policy"], validate=True))
        expiration = datetime.fromisoformat(policy["expiration"])
        conditions = list(policy["conditions"])
        credential, signature = fields["x-amz-credential"], fields["x-amz-signature"]
    except (KeyError, TypeError, ValueError) as error:
        raise SignatureError(_DENIED, "The form needs a signed policy (SigV4).") from error
    if fields.get("x-amz-algorithm") != ALGORITHM:
        raise SignatureError(_DENIED, f"x-amz-algorithm must be {ALGORITHM}.")
    check_digest(fields["policy"], signature, check_credential(credential, keys), keys)
    if expiration.replace(tzinfo=UTC) < datetime.now(UTC):
        raise SignatureError(_DENIED, "The policy of the form has expired.")
    bucket = request.path.strip("/").partition("/")[0]
    _check_conditions(conditions, fields | {"bucket": bucket}, file_bytes)


def _check_conditions(conditions: list[Any], fields: dict[str, str], file_bytes: int) -> None:
    conditional: set[str] = set()
    for operator, name, value in map(_triple, conditions):
        if operator == "content-length-range":
            is_met = int(name) <= file_bytes <= int(value)
        else:
            conditional.add(name)
            actual = fields.get(name, "")
            is_met = actual.startswith(value) if operator == "starts-with" else actual == value
        if not is_met:
            raise SignatureError(_DENIED, f"The form does not meet a condition: {operator} {name}.")
    if unknown := sorted(fields.keys() - conditional - _UNCONDITIONAL):
        raise SignatureError(_DENIED, f"The policy has no condition for {', '.join(unknown)}.")


def _triple(condition: Any) -> tuple[str, str, str]:
    """A condition as operator, field and value; ``{"field": "value"}`` means equality."""
    match condition:
        case {**only} if len(only) == 1:
            ((name, value),) = only.items()
            return "eq", str(name).lower(), str(value)
        case ["eq" | "starts-with" as operator, str(name), str(value)]:
            return operator, name.removeprefix("$").lower(), value
        case ["content-length-range", int(least), int(most)]:
            return "content-length-range", str(least), str(most)
    raise SignatureError(_DENIED, "The policy has a condition that is not supported here.")


def _read_fields(request: Incoming, environ: dict[str, Any]) -> tuple[dict[str, str], int]:
    """The fields before the file, and the size of the file."""
    match = _BOUNDARY.match("".join(request.values("content-type")))
    length = environ.get("CONTENT_LENGTH") or ""
    if match is None or not length.isdigit() or request.values("transfer-encoding"):
        raise SignatureError(_DENIED, "The form must have a boundary and a length.")
    head = environ["wsgi.input"].read(min(int(length), _MAX_FIELDS_BYTES))
    rest = _Joined(head, environ["wsgi.input"])
    environ["wsgi.input"] = io.BufferedReader(rest)
    boundary = b"--" + match[1].encode("latin-1")
    fields: dict[str, str] = {}
    position = head.find(boundary)
    while position >= 0:
        start = position + len(boundary) + 2
        end_of_head = head.find(b"\r\n\r\n", start)
        name = _NAME.search(head[start : max(end_of_head, start)])
        if end_of_head < 0 or name is None:
            break
        position = head.find(b"\r\n" + boundary, end_of_head)
        field = name[1].decode("utf-8", "replace").lower()
        if field == "file":
            # the last boundary ends with two hyphens and, usually, a line end
            tail = len(b"\r\n" + boundary + b"--\r\n")
            return fields, int(length) - (end_of_head + 4) - tail
        if field in fields:
            raise SignatureError(_DENIED, f"The form has the field {field} twice.")
        fields[field] = head[end_of_head + 4 : position].decode("utf-8", "replace")
        position += 2
    message = f"The fields of the form must come first, in {_MAX_FIELDS_BYTES} bytes."
    raise SignatureError(_DENIED, message)


class _Joined(io.RawIOBase):
    """Bytes that were read already, followed by the rest of a stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        if size := min(len(buffer), len(self._head)):
            buffer[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        return self._rest.readinto1(buffer) if hasattr(self._rest, "readinto1") else 0
