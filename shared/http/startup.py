"""Starts a long-running server: checks its settings first, and runs its background work.

Lambda does not use this: its handlers start nothing before the first event.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pydantic import ValidationError

from shared.http import problems
from shared.settings.base import describe_invalid_settings

Background = Callable[[threading.Event], None]
"""Work that lasts until the event is set."""


class StartError(Exception):
    """The service cannot start; the message says what to do."""


@asynccontextmanager
async def running(
    name: str, start: Callable[[], object], background: Background | None
) -> AsyncIterator[None]:
    """Start a service and run its background work in the block.

    Args:
        name: name of the service.
        start: builds what requests need; another error than invalid settings is left to the first
            request, which tries again.
        background: runs in a thread until the end of the block.

    Raises:
        StartError: a setting is missing or invalid.
    """
    try:
        await asyncio.to_thread(start)
    except ValidationError as error:
        raise StartError(f"{name} cannot start: {describe_invalid_settings(error)}") from None
    except Exception:  # noqa: BLE001 - an outage must not prevent the start
        problems.log.exception("%s is not ready yet; the first request tries again", name)
    stopping = threading.Event()
    if background is not None:
        threading.Thread(
            target=background, args=(stopping,), name=f"{name}-background", daemon=True
        ).start()
    try:
        yield
    finally:
        stopping.set()
