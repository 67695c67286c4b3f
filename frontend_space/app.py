"""Serves the page until it is told to stop."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# nothing is sent anywhere: read by Gradio when it is imported
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from frontend_space.backend import Backend, backend_of
from frontend_space.page import STYLE, build, theme
from frontend_space.settings import PageSettings

PORT = 8006


@contextmanager
def served(
    settings: PageSettings, *, host: str, port: int | None, backend: Backend | None = None
) -> Iterator[str]:
    """The page in this process; gives its address and ends it on leaving.

    Args:
        settings: which API, which limits.
        host: address to listen on.
        port: None for any free one.
        backend: another one than the settings ask for.
    """
    behind = backend or backend_of(settings)
    page = build(behind, settings)
    try:
        behind.start()
        _, address, _ = page.launch(server_name=host, server_port=port, **_options(settings))
        yield str(address)
    finally:
        page.close(verbose=False)
        behind.stop()


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
