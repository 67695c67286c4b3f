"""The local stack: starts, supervises and stops its parts."""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from local.errors import LocalStackError
from local.names import IMAGE_FETCH_FUNCTION, IMAGE_FETCH_SECONDS, QUEUES, REGION
from local.private import UMASK
from local.stack.children import Child, log_tail
from local.stack.environment import TOKEN_VARIABLE, child_environment, function_environment
from local.stack.lifeline import POSTMASTER_VARIABLE
from local.stack.ports import bind, free_port
from local.stack.postgres import Postgres
from local.stack.processes import FunctionProcesses
from local.state import FolderLock, Ports, RunningStack, StateFolder
from shared.http.door import Door
from shared.http.settings import ApiDoorSettings

log = logging.getLogger(__name__)
_READY_TIMEOUT_SECONDS = 60.0
_WATCH_INTERVAL_SECONDS = 0.25

Progress = Callable[[str], None]


def _door() -> Door:
    try:
        return ApiDoorSettings().door()
    except ValidationError as error:
        problem = error.errors()[0]
        name = f"REVIEWLENS_{problem['loc'][0]}".upper()
        raise LocalStackError(f"{name}: {problem['msg']}.", exit_code=2) from error


def _ignore_progress(_step: str) -> None:
    """Ignore progress."""


class Stack:
    """PostgreSQL, the local AWS, the worker and the gateway on one state folder."""

    def __init__(
        self,
        state: StateFolder,
        ports: Ports,
        *,
        model: Path | None,
        login: bool = False,
        progress: Progress = _ignore_progress,
    ) -> None:
        """Prepare a stack without starting anything.

        Args:
            state: folder for all data of the stack.
            ports: loopback ports, 0 for any free port.
            model: folder of the shipped model to publish, None to publish none.
            login: whether the gateway asks for the folder's token.
            progress: called with a short name of each step.
        """
        self._state = state
        self._ports = ports
        self._model = model
        self._login = login
        self._progress = progress
        self._cleanup = ExitStack()
        self._stopping = threading.Event()
        self._children: list[Child] = []
        self._postgres: Postgres | None = None

    def start(self) -> RunningStack:
        """Start all parts and wait until the API responds.

        Raises:
            LocalStackError: a port or the folder is in use, or a part does not start.
        """
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Restart crashed parts until ``request_stop`` is called."""
        self._watch_until(self._stopping)

    @contextmanager
    def watch_in_background(self) -> Iterator[None]:
        """Restart crashed parts in the background while the caller works with them.

        This continues after ``request_stop``, because the caller may still need the parts.
        """
        finished = threading.Event()
        watcher = threading.Thread(target=self._watch_until, args=(finished,), name="watch")
        watcher.start()
        try:
            yield
        finally:
            finished.set()
            watcher.join()

    def request_stop(self) -> None:
        """Make ``watch`` return. Safe to call from a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop all parts in reverse order; current work is finished if that is quick."""
        self._cleanup.close()

    def _watch_until(self, finished: threading.Event) -> None:
        while not finished.wait(_WATCH_INTERVAL_SECONDS):
            for child in self._children:
                self._restart_if_crashed(child)
            if self._postgres:
                self._restart_if_crashed(self._postgres)

    def _restart_if_crashed(self, part: Child | Postgres) -> None:
        """Restart a crashed part; if that fails, log the error and try again later."""
        try:
            if part.restart_if_crashed():
                self._announce()
        except LocalStackError as error:
            log.error("%s", error.message)  # noqa: TRY400 - the message is enough
        except Exception as error:  # noqa: BLE001 - the other parts keep running
            log.error("%s could not be restarted: %r", part.name, error)  # noqa: TRY400 - as above

    def _start(self) -> RunningStack:
        if self._model is not None:
            from local.stack.shipped_model import check_folder

            check_folder(self._model)
        self._door = _door()
        os.umask(UMASK)  # for everything that this process and its children write
        self._state.create()
        self._cleanup.enter_context(FolderLock(self._state.root))
        self._state.withdraw()  # the announcement of a killed stack
        self._state.clear_temporary()
        gateway = bind(self._ports.gateway, purpose="gateway", option="--port")
        self._cleanup.callback(gateway.close)
        aws_listener = bind(self._ports.aws, purpose="local AWS", option="--aws-port")
        self._cleanup.callback(aws_listener.close)
        database_port = free_port(
            self._ports.database, purpose="database", option="--database-port"
        )
        self._running = RunningStack(
            pid=os.getpid(),
            version=version("reviewlens"),
            gateway=gateway.getsockname()[1],
            aws=aws_listener.getsockname()[1],
            database=database_port,
            children={},
        )
        postgres = self._start_postgres(database_port)
        self._start_aws(aws_listener, postgres)
        variables = function_environment(
            self._running.aws_url, self._state.cache, self._state.aws_keys()
        )
        self._environment = child_environment(os.environ, variables) | {
            POSTMASTER_VARIABLE: str(postgres.pid_file),
            "TMPDIR": str(self._state.temporary),
        }
        self._start_gateway(gateway.fileno())
        self._prepare()
        self._start_worker()
        self._wait_for_gateway()
        if summary := self._state.quarantine.summary():
            log.warning("%s", summary)
        return self._running

    def _start_postgres(self, port: int) -> Postgres:
        self._progress("PostgreSQL")
        postgres = Postgres(
            self._state.postgres,
            port=port,
            password=self._state.secrets()["database_password"],
            log_path=self._state.logs / "postgres.log",
            quarantine=self._state.quarantine,
        )
        self._cleanup.callback(postgres.stop)
        postgres.start()
        self._postgres = postgres
        return postgres

    def _start_aws(self, listener: socket.socket, postgres: Postgres) -> None:
        self._progress("AWS (S3, SQS, Secrets Manager)")
        from local.aws.resources import create_resources
        from local.aws.server import LocalAws

        keys, quarantine = self._state.aws_keys(), self._state.quarantine
        aws = LocalAws(
            self._state.s3,
            listener,
            quarantine,
            keys=keys,
            door=self._door,
            functions={IMAGE_FETCH_FUNCTION: self._image_fetch()},
        )
        self._cleanup.callback(aws.stop)
        aws.start()
        create_resources(
            self._running.aws_url,
            keys,
            database=postgres.secret,
            reviewer_key=self._state.secrets()["reviewer_key"],
        )

    def _image_fetch(self) -> FunctionProcesses:
        """The function that reads pictures; its processes start when it is called."""
        processes = FunctionProcesses(
            "lambdas.image_fetch.handler",
            variables={"TMPDIR": str(self._state.temporary)},
            log_path=self._state.logs / "image_fetch.log",
            timeout_seconds=IMAGE_FETCH_SECONDS,
        )
        self._cleanup.callback(processes.stop)
        return processes

    def _start_gateway(self, descriptor: int) -> None:
        self._progress("gateway")
        token = {TOKEN_VARIABLE: self._state.gateway_token() if self._login else ""}
        self._add(
            Child(
                "gateway",
                ["local.stack.gateway", "--fd", str(descriptor)],
                environment=self._environment | token,
                log_path=self._state.logs / "gateway.log",
                descriptors=[descriptor],
            )
        )

    def _prepare(self) -> None:
        """Update schema and model while the gateway loads."""
        self._progress("database schema and model")
        model = [] if self._model is None else ["--model", str(self._model)]
        path = self._state.logs / "prepare.log"
        with (
            path.open("wb") as output,  # only of this start
            subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "local.stack.prepare", *model],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                start_new_session=True,
            ) as child,
        ):
            # standard input stays open until the end, as the child's lifeline
            messages = child.stdout.read() if child.stdout else ""
        if child.returncode:
            raise LocalStackError(
                f"The stack could not be prepared. From {path}:\n{log_tail(path)}"
            )
        for line in messages.splitlines():
            log.warning("%s", line)

    def _start_worker(self) -> None:
        self._progress("functions")
        self._add(
            Child(
                "worker",
                ["local.stack.worker"],
                environment=self._environment,
                log_path=self._state.logs / "worker.log",
                on_crash=self._release_messages,
            )
        )
        self._cleanup.callback(self._state.withdraw)
        self._announce()

    def _add(self, child: Child) -> None:
        self._children.append(child)
        self._cleanup.callback(child.stop)
        child.start()

    def _announce(self) -> None:
        pids = {child.name: child.pid for child in self._children if child.pid is not None}
        if self._postgres and self._postgres.pid:
            pids["postgres"] = self._postgres.pid
        self._running = RunningStack(
            **{
                name: getattr(self._running, name)
                for name in ("pid", "version", "gateway", "aws", "database")
            },
            children=pids,
        )
        self._state.announce(self._running)

    def _wait_for_gateway(self) -> None:
        import httpx

        process = self._children[0]
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        with httpx.Client(trust_env=False, timeout=10.0) as client:
            while time.monotonic() < deadline and process.is_alive:
                try:
                    client.get(f"{self._running.gateway_url}/health")
                except httpx.HTTPError:
                    time.sleep(0.05)
                else:
                    return
        path = self._state.logs / "gateway.log"
        raise LocalStackError(f"The gateway did not start. From {path}:\n{log_tail(path)}")

    def _release_messages(self) -> None:
        from local.aws.sqs import release_in_flight

        release_in_flight(REGION, [plan.queue for plan in QUEUES])
