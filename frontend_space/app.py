"""Serves the page in this process."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# nothing is sent anywhere: read by Gradio when it is imported
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import gradio as gr
from fastapi import FastAPI

from frontend_space.access import door_of, login_of
from frontend_space.backend import Backend, RemoteBackend
from frontend_space.page import STYLE, build, theme
from frontend_space.policy import Policy, page_policy
from frontend_space.server import address_of, listen, serving
from frontend_space.settings import PageSettings
from reviewlens import Client
from shared.http.door import Door
from shared.http.guard import Guard
from shared.http.login import Login
from shared.http.policy import security_headers

PORT = 8006
_SESSIONS = 500
_UPLOADS_VARIABLE = "GRADIO_TEMP_DIR"


@contextmanager
def served(
    settings: PageSettings, *, host: str, port: int | None, backend: Backend | None = None
) -> Iterator[str]:
    """Serve the page; yields its address, with the token of a new login, and stops it on leaving.

    Args:
        settings: the API, limits, and who may use the page.
        host: address to listen on.
        port: None for any free port.
        backend: takes the place of the back end that the settings describe.

    Raises:
        OpenPageError: other machines can reach the page, and nothing says who may use it.
        AddressError: the page cannot listen there.
    """
    login = login_of(settings, host)
    with listen(host, port or 0) as listener, _private_uploads():
        backend = backend or backend_of(settings)
        page = build(backend, settings)
        try:
            backend.start()
            address = address_of(listener)
            application = _application(page, settings, door_of(settings, host), login)
            with serving(application, listener):
                # the operator knows a token from the settings; only a generated one is printed
                try:
                    yield login.link(address) if login and not settings.page_token else address
                finally:
                    page.close(verbose=False)  # ends open streams, for which the server waits
        finally:
            backend.stop()


def backend_of(settings: PageSettings) -> Backend:
    """The back end that the settings describe; nothing is started."""
    if settings.api_url:
        client = Client(settings.api_url, api_key=settings.api_key, region=settings.api_region)
        return RemoteBackend(client)
    from frontend_space.embedded import EmbeddedBackend

    has_login = bool(settings.page_login or settings.page_token)
    return EmbeddedBackend(settings.state, login=has_login)


def _application(page: gr.Blocks, settings: PageSettings, door: Door, login: Login | None) -> Guard:
    page.state_session_capacity = _SESSIONS
    application = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        page,
        path="/",
        footer_links=["api"],
        run_history=False,
        show_error=False,
        max_file_size=settings.page_max_upload_bytes,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        css_paths=[STYLE],
    )
    # set by Gradio's own server only; without it, a visitor could name any file of this machine
    page.has_launched = True
    page.app = application.routes[-1].app
    framed_by = settings.page_framed_by.split()
    return Guard(
        Policy(application, framed_by=framed_by),
        door=door,
        login=login,
        headers=security_headers(page_policy(framed_by), framed=bool(framed_by)),
    )


@contextmanager
def _private_uploads() -> Iterator[None]:
    """Let Gradio store uploads in a new folder that only this account can read."""
    before = os.environ.get(_UPLOADS_VARIABLE)
    with tempfile.TemporaryDirectory(
        prefix="reviewlens-uploads-", ignore_cleanup_errors=True
    ) as new:
        os.environ[_UPLOADS_VARIABLE] = new
        try:
            yield
        finally:
            os.environ.pop(_UPLOADS_VARIABLE)
            if before is not None:
                os.environ[_UPLOADS_VARIABLE] = before
