"""The client of the Reviewlens API: ``Client`` waits for answers, ``AsyncClient`` awaits them."""

from reviewlens.async_client import AsyncClient
from reviewlens.client import Client
from reviewlens.errors import (
    ApiError,
    ApiTimeoutError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    InvalidAnswerError,
    MissingRouteError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RequestRejectedError,
    ServerError,
    SigningError,
    StatusError,
    UploadError,
)
from reviewlens.pages import AsyncPages, Pages
from reviewlens.retries import Retry
from reviewlens.signing import SigV4

__all__ = [
    "ApiError",
    "ApiTimeoutError",
    "AsyncClient",
    "AsyncPages",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "ConnectionFailedError",
    "InvalidAnswerError",
    "MissingRouteError",
    "NotFoundError",
    "Pages",
    "PermissionDeniedError",
    "RateLimitedError",
    "RequestRejectedError",
    "Retry",
    "ServerError",
    "SigV4",
    "SigningError",
    "StatusError",
    "UploadError",
]
