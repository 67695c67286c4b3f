"""The routes of one function as a service."""

import importlib
import os

from local.services.server import serve
from local.services.traces import traces
from shared.observability.logs import configure_logging


def serve_api(name: str, host: str, port: int) -> int:
    """Serve the application of a function until the process is asked to stop.

    Returns:
        The exit status.
    """
    configure_logging(name, os.environ.get("REVIEWLENS_LOG_LEVEL", "INFO"))
    with traces(name) as traced:
        application = importlib.import_module(f"lambdas.{name}.api").create_app()
        return serve(traced(application), host, port, name=name)
