"""Serves the page in this process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# nothing is sent anywhere: read by Gradio when it is imported
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from frontend_space.backend import Backend, RemoteBackend
from frontend_space.page import STYLE, build, theme
from frontend_space.settings import PageSettings
from reviewlens import Client

PORT = 8006


@contextmanager
def served(
    settings: PageSettings, *, host: str, port: int | None, backend: Backend | None = None
) -> Iterator[str]:
    """Serve the page; yields its address and stops it on leaving.

    Args:
        settings: the API and limits.
        host: address to listen on.
        port: None for any free port.
        backend: takes the place of the back end that the settings describe.
    """
    backend = backend or backend_of(settings)
    page = build(backend, settings)
    try:
        backend.start()
        _, address, _ = page.launch(server_name=host, server_port=port, **_options(settings))
        yield str(address)
    finally:
        page.close(verbose=False)
        backend.stop()


def backend_of(settings: PageSettings) -> Backend:
    """The back end that the settings describe; nothing is started."""
    if settings.api_url:
        client = Client(settings.api_url, api_key=settings.api_key, region=settings.api_region)
        return RemoteBackend(client)
    from frontend_space.embedded import EmbeddedBackend

    return EmbeddedBackend(settings.state)


def _options(settings: PageSettings) -> dict[str, Any]:
    return {
        "prevent_thread_lock": True,
        "quiet": True,
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "show_error": False,
        "strict_cors": True,
        "enable_monitoring": False,
        "max_file_size": settings.page_max_upload_bytes,
        "state_session_capacity": 500,
        "footer_links": ["api"],
        "theme": theme(),
        "css_paths": [STYLE],
    }
