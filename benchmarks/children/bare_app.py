"""Serves a FastAPI route that does nothing, or a given application, on a server like the gateway.

Prints its port as the first line of standard output and serves until standard input is closed.
"""

import importlib
import os
import sys
import threading

import uvicorn
from fastapi import FastAPI

from local.stack.ports import bind
from shared.schemas.api import AnalyzeRequest


def create_app() -> FastAPI:
    app = FastAPI()

    @app.post("/analyze")
    def analyze(request: AnalyzeRequest) -> dict[str, int]:
        return {"characters": len(request.query_text)}

    return app


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    listener = bind(0, purpose="bare application", option="--port")
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    application = (
        importlib.import_module(sys.argv[1]).create_app() if sys.argv[1:] else create_app()
    )
    configuration = uvicorn.Config(
        application, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
    uvicorn.Server(configuration).run(sockets=[listener])


if __name__ == "__main__":
    main()
