"""The one family of errors.

Each error carries a stable ``code`` that clients may match on, the HTTP ``status`` that the API
edge answers with, and whether a retry can help (``retryable``). The batch edge reports every
message that raised as failed, and the queue's redrive policy bounds the retries. Messages are
written for the caller and hold no secret.
"""

from collections.abc import Mapping


class ReviewlensError(Exception):
    """Base of all errors that the application raises on purpose."""

    code = "internal_error"
    status = 500
    retryable = False

    def __init__(self, message: str, *, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class InvalidInputError(ReviewlensError):
    """The caller sent something that can never work; names the field."""

    code = "invalid_input"
    status = 422


class NotFoundError(ReviewlensError):
    """The named thing does not exist."""

    code = "not_found"
    status = 404


class ConflictError(ReviewlensError):
    """Somebody else changed the thing first (a conditional put that lost)."""

    code = "conflict"
    status = 409
    retryable = True


class UnavailableError(ReviewlensError):
    """A dependency (PostgreSQL, S3, a model that is not loaded yet) does not answer now."""

    code = "unavailable"
    status = 503
    retryable = True


class ArtefactError(ReviewlensError):
    """A model or index version is missing a file, corrupt, or does not fit the model in use."""

    code = "artefact_invalid"
    status = 503


class IngestError(ReviewlensError):
    """A whole object cannot be read (or no further); ``code`` says why.

    Codes: object_missing, empty_object, format_unknown, schema_unknown, mapping_invalid,
    archive_unsupported, decompression_limit, object_too_large.
    """

    status = 422

    def __init__(
        self, code: str, message: str, *, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.code = code
