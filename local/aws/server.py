"""moto's server in a thread of this process, on a loopback socket bound by the caller."""

import logging
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

# moto reads this on import: without it every web page may read our responses
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "1"

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import make_server

from local.aws.callers import Callers
from local.aws.disk import DiskBuckets
from local.aws.functions import Function, Invocations
from local.aws.guard import Guard, RequestHandler
from local.aws.s3 import WriteThrough
from local.aws.sqs import LockedQueues
from local.credentials import AwsKeys
from local.quarantine import Quarantine
from shared.http.door import Door

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer


class LocalAws:
    """S3, SQS, Secrets Manager and the other services of moto; only S3 is stored on disk."""

    def __init__(
        self,
        root: Path,
        listener: socket.socket,
        quarantine: Quarantine | None = None,
        *,
        keys: AwsKeys,
        door: Door | None = None,
        functions: Mapping[str, Function] | None = None,
    ) -> None:
        """Prepare the server.

        Args:
            root: folder of the objects.
            listener: a socket that listens on loopback.
            quarantine: takes damaged files.
            keys: requests must be signed with them.
            door: the hosts to answer for, by default those of this machine.
            functions: functions that can be invoked, by name.
        """
        self._listener = listener
        self._keys = keys
        self._door = door or Door()
        self._functions = dict(functions or {})
        self._write_through = WriteThrough(DiskBuckets(root, quarantine))
        self._queues = LockedQueues()
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Load the objects of earlier runs and start serving; returns their number."""
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._write_through.install()
        self._queues.install()
        count = self._write_through.load()
        application = Callers(DomainDispatcherApplication(create_backend_app))
        host, port = self._listener.getsockname()[:2]
        self._server = make_server(
            host,
            port,
            Guard(
                Invocations(application, self._functions),
                door=self._door,
                keys=self._keys,
            ),
            threaded=True,
            request_handler=RequestHandler,
            fd=self._listener.fileno(),
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            name="aws",
            daemon=True,
            kwargs={"poll_interval": 0.1},
        )
        self._thread.start()
        return count

    def stop(self) -> None:
        """Stop serving; completed requests are already on disk."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(10)
            self._server.server_close()
            self._server = None
        self._listener.close()
        self._queues.uninstall()
        self._write_through.uninstall()
