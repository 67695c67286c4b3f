"""The local AWS (S3, SQS, and Lambda for one function) as a service."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import boto3

from local.aws.resources import create_storage
from local.aws.server import LocalAws
from local.credentials import AwsKeys
from local.names import IMAGE_FETCH_FUNCTION, IMAGE_FETCH_SECONDS
from local.private import UMASK
from local.services.server import health_application, serve
from local.stack.processes import FunctionProcesses
from local.state import FolderLock, StateFolder
from shared.errors import ReviewlensError
from shared.http.settings import ApiDoorSettings
from shared.observability.logs import configure_logging

_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - only compared
_BACKLOG = 512
_ANSWER_SECONDS = 3.0


def serve_aws(root: Path, host: str, port: int, health_port: int) -> int:
    """Serve until the process is asked to stop; all objects are on disk then.

    Args:
        root: folder of the objects.
        host: address to listen on.
        port: port of S3, SQS and Lambda.
        health_port: port of ``GET /health``.

    Returns:
        The exit status.

    Raises:
        ReviewlensError: there are no credentials.
        LocalStackError: the folder belongs to something else, or another process uses it.
    """
    configure_logging("aws", os.environ.get("REVIEWLENS_LOG_LEVEL", "INFO"))
    keys = _keys()
    os.umask(UMASK)
    state = StateFolder(root)
    state.create()
    address = "127.0.0.1" if host == _ANY_ADDRESS else host
    with FolderLock(state.root):
        state.clear_temporary()
        service = _Service(state, keys, socket.create_server((host, port), backlog=_BACKLOG))
        application = health_application(
            "aws",
            start=lambda: service.start(f"http://{address}:{port}"),
            stop=service.stop,
            problem=lambda: _problem(address, port),
        )
        return serve(application, host, health_port, name="aws")


class _Service:
    def __init__(self, state: StateFolder, keys: AwsKeys, listener: socket.socket) -> None:
        self._keys = keys
        self._functions = FunctionProcesses(
            "lambdas.image_fetch.handler",
            variables={"TMPDIR": str(state.temporary)},
            log_path=state.logs / "image_fetch.log",
            timeout_seconds=IMAGE_FETCH_SECONDS,
        )
        self._aws = LocalAws(
            state.s3,
            listener,
            state.quarantine,
            keys=self._keys,
            door=ApiDoorSettings().door(),
            functions={IMAGE_FETCH_FUNCTION: self._functions},
        )

    def start(self, endpoint: str) -> None:
        self._aws.start()
        create_storage(endpoint, self._keys)

    def stop(self) -> None:
        self._aws.stop()
        self._functions.stop()


def _keys() -> AwsKeys:
    """The access key that requests must be signed with: that of the process's own environment."""
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise ReviewlensError(
            "there is no access key: set AWS_SHARED_CREDENTIALS_FILE, or AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY"
        )
    return AwsKeys(credentials.access_key, credentials.secret_key)


def _problem(address: str, port: int) -> str | None:
    """Why S3 does not answer; None if it does, also if it refuses a request without a signature."""
    with suppress(OSError), socket.create_connection((address, port), _ANSWER_SECONDS) as place:
        place.settimeout(_ANSWER_SECONDS)
        place.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if place.recv(16).startswith(b"HTTP/"):
            return None
    return f"port {port} does not answer"
