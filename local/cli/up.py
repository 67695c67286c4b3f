"""``reviewlens up``: start the stack and keep it running."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape

from local.cli import options
from local.cli.output import console, fail, notes
from local.errors import LocalStackError
from local.names import RAW_BUCKET
from local.stack.stack import Stack
from local.state import Ports, RunningStack, StateFolder
from shared.http.login import Login


def up(
    state: options.State = options.STATE,
    port: options.Port = options.DEFAULTS.gateway,
    aws_port: options.AwsPort = options.DEFAULTS.aws,
    database_port: options.DatabasePort = options.DEFAULTS.database,
    model: options.Model = None,
    login: Annotated[
        bool, typer.Option("--login", help="The HTTP API asks for the token that is printed.")
    ] = False,
) -> None:
    """Start PostgreSQL, AWS, the functions and the HTTP API, and serve until Ctrl-C.

    Work that an earlier run left unfinished is resumed, even if that run was killed.

    Example: reviewlens up --port 8081
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    ports = Ports(gateway=port, aws=aws_port, database=database_port)
    try:
        with running_stack(StateFolder(state), ports, model, login=login) as (stack, running):
            if login:
                show_login(StateFolder(state), running)
            show_addresses(running)
            serve(stack)
    except LocalStackError as error:
        fail(error)


@contextmanager
def running_stack(
    state: StateFolder, ports: Ports, model: Path | None, *, login: bool = False
) -> Iterator[tuple[Stack, RunningStack]]:
    """Start a stack, stop it on exit; SIGINT and SIGTERM raise KeyboardInterrupt in the block."""

    def progress(step: str) -> None:
        notes().print(f"  starting {step}", style="dim")

    folder = model or shipped_model()
    if folder is None:
        notes().print("  no model folder: reviews are not processed until a model is published")
    stack = Stack(state, ports, model=folder, login=login, progress=progress)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stack, stack.start()
    finally:
        stack.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)


def serve(stack: Stack) -> None:
    """Keep the parts running until SIGINT or SIGTERM."""

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stack.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, request_stop)
    stack.watch()
    notes().print("Stopping.")


def shipped_model() -> Path | None:
    """Folder of the model shipped with the repository, None outside a checkout."""
    folder = Path(__file__).resolve().parents[2] / "models" / "default"
    return folder if (folder / "manifest.json").is_file() else None


def show_login(state: StateFolder, running: RunningStack) -> None:
    """Print the link with the token of the HTTP API."""
    link = Login(state.gateway_token()).link(running.gateway_url)
    console().print(f"  login      {link}", markup=False, soft_wrap=True)
    console().print("             programs: the token as x-api-key", markup=False)


def show_addresses(running: RunningStack) -> None:
    """Print how to reach the running stack."""
    out = console()
    out.print("[bold]Reviewlens is running.[/bold]")
    out.print(f"  HTTP API   {running.gateway_url}  (GET /docs, /health, /openapi.json)")
    out.print(
        escape(
            '  upload     eval "$(reviewlens env)"; '
            f"aws s3 cp dump.jsonl.gz s3://{RAW_BUCKET}/uploads/"
        )
    )
    out.print("  status     reviewlens status")
    out.print("Press Ctrl-C to stop.")
