"""Signs requests that start work, as API Gateway's IAM authorisation wants it (SigV4)."""

import re
from collections.abc import Generator
from typing import Any

import httpx

_HOST = re.compile(r"^[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$")


def region_of(url: str) -> str | None:
    """The region in the address of an API on AWS; None for any other address."""
    match = _HOST.match(httpx.URL(url).host)
    return match[1] if match else None


class SigV4(httpx.Auth):
    """Adds the signature of some AWS credentials to a request."""

    requires_request_body = True

    def __init__(self, credentials: Any, region: str) -> None:
        """Prepare it.

        Args:
            credentials: of botocore; refreshed by themselves where they expire.
            region: where the API is.
        """
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign what is sent: method, path, query, host and body."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        signed = AWSRequest(
            request.method,
            str(request.url),
            data=request.content,
            headers={"host": request.url.netloc.decode(), "content-type": "application/json"},
        )
        frozen = self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, "execute-api", self._region).add_auth(signed)
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            if name in signed.headers:
                request.headers[name] = signed.headers[name]
        yield request


def signer_for(url: str, region: str | None) -> SigV4 | None:
    """What signs for an API; None where it is not on AWS or there are no credentials."""
    where = region or region_of(url)
    if where is None or not url.startswith("https://"):
        return None
    from botocore.session import Session

    credentials = Session().get_credentials()
    return None if credentials is None else SigV4(credentials, where)
