"""Dependencies of the function that fetches pictures."""

import ssl
import warnings
from functools import cache

from lambdas.image_fetch.fetch import Fetcher
from lambdas.image_fetch.settings import ImageFetchSettings
from shared.observability.logs import configure_logging


@cache
def build_fetcher() -> Fetcher:
    """Build the fetcher once per process, from the environment."""
    settings = ImageFetchSettings()
    configure_logging("image_fetch", settings.log_level)
    # Pillow warns of damaged metadata, and hostile pictures would fill the log
    warnings.filterwarnings("ignore", module="PIL")
    return Fetcher(
        context=ssl.create_default_context(cafile=settings.image_fetch_ca_file or None),
        ports=settings.ports(),
        seconds=settings.image_fetch_seconds,
        http=settings.image_fetch_http,
        loopback=settings.image_fetch_loopback,
    )
