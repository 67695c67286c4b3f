"""``reviewlens forget``: undo uploads, and show what was removed."""

import time
from collections.abc import Iterator
from typing import Annotated

import typer

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from reviewlens import Client
from reviewlens.models import IngestStatus, Receipt, UndoState

_POLL_SECONDS = 0.5


def forget(
    ingest_ids: Annotated[
        list[str], typer.Argument(metavar="INGEST…", help="Ingests, as `reviewlens status` lists.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until everything is removed.")] = True,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Undo uploads: remove everything that came from them, and the uploaded files.

    Rows that another upload has as well stay: they belong to that one then. The receipt says what
    was removed, what ages out later, and what is not reached. Repeating the command changes
    nothing; uploading the same file again collects it anew. Of an API on AWS (--api-url), it needs
    AWS credentials that may call DELETE /collect.

    Example: reviewlens forget ing_0123456789abcdef01234567 --yes
    """
    names = ", ".join(ingest_ids)
    if not yes and not typer.confirm(f"Remove everything that came from {names}?", err=True):
        console().print("Nothing was removed.")
        raise typer.Exit(1)
    try:
        with open_api(state, api_url) as client:
            states = [client.forget(each) for each in ingest_ids]
            if wait:
                states = [_wait(client, each) for each in states]
    except LocalStackError as error:
        fail(error)
    print_json({"ingests": states}) if as_json else _show(states)


def _wait(client: Client, state: UndoState) -> UndoState:
    """Wait until an upload is undone; the request survives if this command is stopped."""
    while state.status is IngestStatus.UNDOING:
        time.sleep(_POLL_SECONDS)
        report = client.ingest(state.ingest_id)
        if report.undo is None:  # it was uploaded again meanwhile
            break
        state = UndoState(ingest_id=state.ingest_id, status=report.status, undo=report.undo)
    return state


def _show(states: list[UndoState]) -> None:
    for state in states:
        console().print(f"{state.ingest_id}: {state.status}", markup=False)
        for line in _describe(state.undo):
            console().print(f"  {line}", markup=False, soft_wrap=True)


def _describe(receipt: Receipt) -> Iterator[str]:
    """The receipt in lines."""
    removed = receipt.removed
    yield (
        f"removed: {removed.rows:,} reviews, {removed.rejects:,} rejected rows,"
        f" {removed.products:,} products"
    )
    embeddings = ", ".join(f"{n:,} of {model}" for model, n in removed.embeddings.items())
    yield f"removed: {removed.clean_shards:,} clean shards; embeddings: {embeddings or 'none'}"
    yield (
        f"removed: {removed.raw_versions:,} versions of the file, {removed.mappings:,} mappings,"
        f" {len(removed.index_versions):,} indexes, {removed.quarantined:,} damaged copies"
    )
    for each in receipt.later:
        until = f" until {each.until:%Y-%m-%d %H:%M} UTC" if each.until else ""
        yield f"ages out later: {each.what}{until}"
    for text in receipt.not_reached:
        yield f"not reached: {text}"
