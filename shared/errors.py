"""Errors of the application.

Each error has a stable ``code`` that clients may match on, the HTTP ``status`` of the response,
and whether a retry can help (``retryable``). In a batch, every message whose work raised is
reported as failed, and the queue's redrive policy limits the retries. Messages are written for the
caller and contain no secrets.
"""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No space, a quota is used up, or a file may not grow further."""


class ReviewlensError(Exception):
    """Base class of all errors that the application raises on purpose."""

    code = "internal_error"
    status = 500
    retryable = False

    def __init__(self, message: str, *, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class InvalidInputError(ReviewlensError):
    """The request is invalid and a retry cannot help; the message names the field."""

    code = "invalid_input"
    status = 422


class NotFoundError(ReviewlensError):
    """The requested resource does not exist."""

    code = "not_found"
    status = 404


class ModelNotFoundError(NotFoundError):
    """A client of another protocol names a model that does not answer here."""

    code = "model_not_found"


class ConflictError(ReviewlensError):
    """Another writer changed the resource first (for example, a conditional put failed)."""

    code = "conflict"
    status = 409
    retryable = True


class UnavailableError(ReviewlensError):
    """A dependency (PostgreSQL, S3, a model that is not loaded yet) is not available now."""

    code = "unavailable"
    status = 503
    retryable = True


class WaitingError(UnavailableError):
    """A message has to wait for other work to end; nothing is wrong, and it is delivered again."""


class StorageFullError(UnavailableError):
    """A disk is full: of this process, of the object store, or of the database."""

    code = "storage_full"


class ArtefactError(ReviewlensError):
    """A model or index version is incomplete, corrupt, or does not match the model in use."""

    code = "artefact_invalid"
    status = 503


class CorruptObjectError(ArtefactError):
    """The bytes of a stored object do not match its checksum or its size, also when read again."""

    code = "object_corrupt"


class IngestError(ReviewlensError):
    """An uploaded object cannot be read, or only in part; ``code`` says why.

    Codes: object_missing, object_corrupt, empty_object, format_unknown, schema_unknown,
    mapping_invalid, archive_unsupported, decompression_limit, object_too_large,
    too_many_rejects, cpu_time_limit, no_progress, ranges_failed.
    Of previews: preview_unavailable.
    """

    status = 422

    def __init__(
        self, code: str, message: str, *, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.code = code


class PictureError(ReviewlensError):
    """A picture cannot be used; ``code`` says why. The text beside it is analysed without it.

    Codes: address_invalid, address_refused, fetch_failed, fetch_timeout, picture_too_large,
    picture_type, picture_damaged, picture_unavailable.
    """

    status = 422

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ComprehendError(ReviewlensError):
    """A request in the shape of Amazon Comprehend is refused; ``code`` is the name there.

    Codes: UnsupportedOperation, TextSizeLimitExceededException, BatchSizeLimitExceededException,
    UnsupportedLanguageException, ValidationException.
    """

    status = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_full_disk(error: OSError) -> bool:
    """Whether a write failed because there is no space for it."""
    return error.errno in _FULL_DISK


@contextmanager
def report_full_disk(action: str) -> Iterator[None]:
    """Raise StorageFullError if a write in the block fails for lack of space.

    Args:
        action: what cannot be done, for the message.
    """
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise StorageFullError(f"{action}: no space is left on the disk") from error
