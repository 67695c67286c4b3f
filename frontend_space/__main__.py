"""``python -m frontend_space``: the page, over an API or over a stack of its own."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from pydantic import ValidationError

from frontend_space.settings import PageSettings

_SPACE_VARIABLE = "SPACE_ID"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m frontend_space",
        description="Serve the web page over the API at REVIEWLENS_API_URL; without one it starts "
        "a stack of its own with the shipped model and the samples.",
    )
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8006)")
    parser.add_argument(
        "--login", action="store_true", help="visitors need the link that is printed"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        settings = PageSettings(page_login=True) if options.login else PageSettings()
    except ValidationError as error:
        for problem in error.errors():
            name = f"REVIEWLENS_{'_'.join(map(str, problem['loc'])).upper()}"
            sys.stderr.write(f"{name}: {problem['msg']}\n")
        return 2
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    os.umask(0o077)  # uploads are for this account only
    from frontend_space.access import OpenPageError
    from frontend_space.app import PORT, served
    from frontend_space.server import AddressError

    # the proxy of a Space connects from outside; the API and the stack stay on loopback
    on_a_space = _SPACE_VARIABLE in os.environ
    space_port = int(os.environ.get("GRADIO_SERVER_PORT", "7860"))
    host = options.host or ("0.0.0.0" if on_a_space else "127.0.0.1")  # noqa: S104
    port = options.port or (space_port if on_a_space else PORT)
    try:
        with served(settings, host=host, port=port) as address:
            sys.stdout.write(f"The page is at {address}\n")
            sys.stdout.flush()
            stopped.wait()
    except (OpenPageError, AddressError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"The page cannot be served: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
