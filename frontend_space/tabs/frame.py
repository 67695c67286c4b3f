"""What all tabs share: errors as sentences."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from frontend_space.markup import note
from frontend_space.problems import PageError, describe
from reviewlens import ApiError, MissingRouteError, PermissionDeniedError

log = logging.getLogger(__name__)
_Parameters = ParamSpec("_Parameters")
HIDDEN: dict[str, Any] = {"api_visibility": "private"}
"""Events of the page itself are not offered to programs."""


def showing_errors(
    outputs: int = 1, others: Any = None
) -> Callable[[Callable[_Parameters, Any]], Callable[_Parameters, Any]]:
    """Make a handler show errors as a sentence in its first output.

    Args:
        outputs: number of outputs of the handler.
        others: value of its other outputs after an error.
    """

    def decorate(handler: Callable[_Parameters, Any]) -> Callable[_Parameters, Any]:
        @wraps(handler)
        def safely(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Any:
            try:
                return handler(*args, **kwargs)
            except (MissingRouteError, PermissionDeniedError) as error:
                message = note(describe(error), "empty")
            except (ApiError, PageError) as error:
                message = note(describe(error), "error")
            except Exception:
                log.exception("a request of the page failed")
                message = note("Something went wrong on this page; it was logged.", "error")
            return message if outputs == 1 else (message, *[others] * (outputs - 1))

        return safely

    return decorate
