"""AWS Signature Version 4 for the routes that start work, as API Gateway's IAM access requires."""

import re
from collections.abc import Generator
from typing import Any

import httpx

from reviewlens.errors import SigningError

_HOST = re.compile(r"^[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$")
_ADDED = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")


def region_of(url: str) -> str | None:
    """The region in the address of an API on AWS; None for any other address."""
    match = _HOST.match(httpx.URL(url).host)
    return match[1] if match else None


class SigV4(httpx.Auth):
    """Signs requests with AWS credentials; needs botocore (the extra ``aws``)."""

    requires_request_body = True

    def __init__(self, credentials: Any, region: str) -> None:
        """Keep the credentials.

        Args:
            credentials: botocore credentials, which renew themselves where they expire.
            region: AWS region of the API.
        """
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign method, path, query, host, content type and body."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        headers = {"host": request.url.netloc.decode()}
        if "content-type" in request.headers:
            headers["content-type"] = request.headers["content-type"]
        signed = AWSRequest(request.method, str(request.url), data=request.content, headers=headers)
        frozen = self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, "execute-api", self._region).add_auth(signed)
        for name in _ADDED:
            if name in signed.headers:
                request.headers[name] = signed.headers[name]
        yield request


def signer_for(url: str, region: str | None = None) -> SigV4 | None:
    """A signer with the credentials that AWS tools find in this environment.

    Returns:
        None for an API that is not on AWS, or where there are no credentials.

    Raises:
        SigningError: the API is on AWS and botocore is not installed.
    """
    region = region or region_of(url)
    if region is None or not url.startswith("https://"):
        return None
    try:
        from botocore.session import Session
    except ModuleNotFoundError as error:
        message = "Calls that start work on AWS are signed: pip install 'reviewlens[aws]'."
        raise SigningError(message) from error
    credentials = Session().get_credentials()
    return None if credentials is None else SigV4(credentials, region)
