"""Events of functions that are invoked directly: those of state machines and of other functions."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from shared.errors import InvalidInputError


@contextmanager
def refusing_invalid_events() -> Iterator[None]:
    """Raise InvalidInputError in place of pydantic's error; it names the first invalid field."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "event"
        raise InvalidInputError(f"{field}: {first['msg']}", details={"field": field}) from error
