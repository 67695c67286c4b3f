"""Checks the signatures (SigV4) of requests to the local AWS; moto itself checks none.

Bodies of S3 are not read for this: their hash is a signed header. Other services sign the body
itself, which is small.
"""

import hmac
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from local.credentials import AwsKeys
from shared.http.door import Incoming

ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<credential>[^,\s]+), *SignedHeaders=(?P<headers>[^,\s]+),"
    r" *Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_PAYLOAD = "x-amz-content-sha256"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_MAX_SKEW = timedelta(minutes=15)
_MAX_LIFETIME_SECONDS = 7 * 24 * 3600
_MAX_BODY_BYTES = 32 * 2**20
_UNRESERVED = "-_.~"

Pairs = Sequence[tuple[str, str]]


class SignatureError(Exception):
    """A signature is missing, wrong or expired; ``code`` is that of S3."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Claim(NamedTuple):
    """What a request claims: who signed which headers, when, and the signature."""

    credential: str
    signed_headers: str
    signature: str
    stamp: str
    payload: str
    query: Pairs


def check_signature(request: Incoming, environ: dict[str, Any], keys: AwsKeys) -> None:
    """Check a request that is signed in its headers or in its URL.

    Raises:
        SignatureError: it is not signed with these keys.
    """
    query = _pairs(environ["QUERY_STRING"])
    claim = _claim_in_query(request, query) or _claim_in_headers(request, environ, query)
    scope = check_credential(claim.credential, keys)
    names = claim.signed_headers.split(";")
    needed = {name for name, _ in request.headers if name.startswith("x-amz-")} - {_PAYLOAD}
    if not {"host", *needed}.issubset(names) or not claim.stamp.startswith(scope[0]):
        message = "The host, the date and all headers x-amz-* must be signed."
        raise SignatureError("AccessDenied", message)
    canonical = "\n".join(
        [
            request.method,
            _canonical_path(environ["REQUEST_URI"], scope[2]),
            "&".join(f"{name}={value}" for name, value in sorted(claim.query)),
            *(f"{name}:{_canonical_value(request, name)}" for name in names),
            "",
            claim.signed_headers,
            claim.payload,
        ]
    )
    digest = sha256(canonical.encode("latin-1", "replace")).hexdigest()
    text = "\n".join([ALGORITHM, claim.stamp, "/".join([*scope, "aws4_request"]), digest])
    check_digest(text, claim.signature, scope, keys)


def check_credential(credential: str, keys: AwsKeys) -> tuple[str, str, str]:
    """The scope (date, region, service) of a credential.

    Raises:
        SignatureError: it is not one, or of another access key.
    """
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise SignatureError("AccessDenied", "The credential must end with aws4_request.")
    if not hmac.compare_digest(parts[0].encode(), keys.access_key.encode()):
        raise SignatureError("InvalidAccessKeyId", "Use the access key of `reviewlens env`.")
    return parts[1], parts[2], parts[3]


def check_digest(text: str, signature: str, scope: tuple[str, str, str], keys: AwsKeys) -> None:
    """Check the signature of a text.

    Raises:
        SignatureError: it was not signed with the secret key.
    """
    expected = hmac.new(_signing_key(keys.secret_key, *scope), text.encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise SignatureError("SignatureDoesNotMatch", "Use the secret key of `reviewlens env`.")


@lru_cache(maxsize=64)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _claim_in_headers(request: Incoming, environ: dict[str, Any], query: Pairs) -> Claim:
    values = request.values("authorization")
    match = _AUTHORIZATION.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        message = "Sign the request (SigV4) with the credentials of `reviewlens env`."
        raise SignatureError("AccessDenied", message)
    stamp = "".join(request.values("x-amz-date"))
    _check_age(stamp, _MAX_SKEW)
    hashes = request.values(_PAYLOAD)
    payload = hashes[0] if hashes else _hash_body(environ)
    return Claim(match["credential"], match["headers"], match["signature"], stamp, payload, query)


def _claim_in_query(request: Incoming, query: Pairs) -> Claim | None:
    values = {unquote(name): unquote(value) for name, value in query}
    if values.get("X-Amz-Algorithm") != ALGORITHM or request.values("authorization"):
        return None
    try:
        stamp, lifetime = values["X-Amz-Date"], int(values["X-Amz-Expires"])
        credential, names = values["X-Amz-Credential"], values["X-Amz-SignedHeaders"]
        signature = values["X-Amz-Signature"]
    except (KeyError, ValueError) as error:
        message = "The signature in the URL is not complete."
        raise SignatureError("AuthorizationQueryParametersError", message) from error
    _check_age(stamp, timedelta(seconds=max(0, min(lifetime, _MAX_LIFETIME_SECONDS))))
    others = [pair for pair in query if pair[0] != "X-Amz-Signature"]
    return Claim(credential, names, signature, stamp, _UNSIGNED, others)


def _check_age(stamp: str, lifetime: timedelta) -> None:
    try:
        signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise SignatureError("AccessDenied", "X-Amz-Date must be the time of signing.") from error
    if not -_MAX_SKEW <= datetime.now(UTC) - signed <= lifetime:
        raise SignatureError("AccessDenied", "The signature has expired.")


def _hash_body(environ: dict[str, Any]) -> str:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > _MAX_BODY_BYTES or "HTTP_TRANSFER_ENCODING" in environ:
        message = f"The body must have a length of at most {_MAX_BODY_BYTES} bytes."
        raise SignatureError("AccessDenied", message)
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return sha256(body).hexdigest()


def _canonical_path(target: str, service: str) -> str:
    path = target.partition("?")[0]
    # S3 signs the path as it is sent, the others encode it once more
    return _encode(unquote(path), "/") if service == "s3" else quote(path, safe="/~")


def _canonical_value(request: Incoming, name: str) -> str:
    return ",".join(" ".join(value.split()) for value in request.values(name))


def _pairs(query: str) -> list[tuple[str, str]]:
    parts: Iterable[tuple[str, str, str]] = (
        part.partition("=") for part in query.split("&") if part
    )
    return [(_encode(unquote(name)), _encode(unquote(value))) for name, _, value in parts]


def _encode(text: str, safe: str = "") -> str:
    return quote(text, safe=safe + _UNRESERVED)
