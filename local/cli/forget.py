"""``reviewlens forget``: undo uploads, exclude reviewers and products, print a receipt."""

import time
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from reviewlens import Client
from reviewlens.models import (
    Exclusion,
    ExclusionReceipt,
    ExclusionStatus,
    IngestStatus,
    Receipt,
    UndoState,
)

_POLL_SECONDS = 0.5


def forget(
    ingest_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="INGEST…", help="Ingests, as `reviewlens status` lists."),
    ] = None,
    reviewers: Annotated[
        list[str] | None,
        typer.Option("--reviewer", metavar="ID", help="A reviewer, as dumps name it; repeatable."),
    ] = None,
    products: Annotated[
        list[str] | None,
        typer.Option("--product", metavar="ID", help="A product, as dumps name it; repeatable."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until everything is removed.")] = True,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Undo uploads, or remove a reviewer or product, also from every later dump.

    Undoing an upload removes everything that came from it, and the uploaded file; rows that another
    upload has as well stay. Of a reviewer or product, the rows are removed from all uploads, but
    not from the uploaded files, which the receipt lists; `reviewlens exclusions` shows and ends
    such exclusions. The receipt says what was removed, what ages out later, and what is not
    reached. Repeating the command changes nothing. Of an API on AWS (--api-url), it needs AWS
    credentials that may call DELETE.

    Example: reviewlens forget ing_0123456789abcdef01234567 --yes
    """
    ingests, people, things = ingest_ids or [], reviewers or [], products or []
    count = len(ingests) + len(people) + len(things)
    if not count:
        raise typer.BadParameter("name an ingest, a --reviewer or a --product")
    if not yes and not typer.confirm(_question(ingests, people, things), err=True):
        console().print("Nothing was removed.")
        raise typer.Exit(1)
    try:
        with open_api(state, api_url) as client:
            states = [client.forget(each) for each in ingests]
            excluded = [client.forget_reviewer(each) for each in people]
            excluded += [client.forget_product(each) for each in things]
            if wait:
                states = [_wait(client, each) for each in states]
                excluded = [_wait_for_exclusion(client, each) for each in excluded]
    except LocalStackError as error:
        fail(error)
    if as_json:
        print_json({"ingests": states, "exclusions": excluded})
        return
    _show(states)
    show_exclusions(excluded)


def _question(ingests: list[str], reviewers: list[str], products: list[str]) -> str:
    parts = [f"everything that came from {', '.join(ingests)}"] if ingests else []
    if reviewers:
        parts.append(f"the reviews of {', '.join(reviewers)}")
    if products:
        parts.append(f"the products {', '.join(products)}")
    return f"Remove {' and '.join(parts)}?"


def _wait(client: Client, state: UndoState) -> UndoState:
    """Wait until an upload is undone; the request survives if this command is stopped."""
    while state.status is IngestStatus.UNDOING:
        time.sleep(_POLL_SECONDS)
        report = client.ingest(state.ingest_id)
        if report.undo is None:  # it was uploaded again meanwhile
            break
        state = UndoState(ingest_id=state.ingest_id, status=report.status, undo=report.undo)
    return state


def _wait_for_exclusion(client: Client, exclusion: Exclusion) -> Exclusion:
    """Wait until the rows are removed; the request survives if this command is stopped."""
    while exclusion.status is ExclusionStatus.REMOVING:
        time.sleep(_POLL_SECONDS)
        exclusion = client.exclusion(exclusion.exclusion_id)
    return exclusion


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
    yield from _describe_rest(receipt)


def _describe_rest(receipt: Receipt | ExclusionReceipt) -> Iterator[str]:
    for each in receipt.later:
        until = f" until {each.until:%Y-%m-%d %H:%M} UTC" if each.until else ""
        yield f"ages out later: {each.what}{until}"
    for text in receipt.not_reached:
        yield f"not reached: {text}"


def show_exclusions(exclusions: Iterable[Exclusion]) -> None:
    """Print exclusions with their receipts."""
    for each in exclusions:
        subject = f"product {each.product_id}" if each.product_id else each.kind
        console().print(f"{each.exclusion_id} ({subject}): {each.status}", markup=False)
        for line in _describe_exclusion(each.receipt):
            console().print(f"  {line}", markup=False, soft_wrap=True)


def _describe_exclusion(receipt: ExclusionReceipt) -> Iterator[str]:
    removed = receipt.removed
    embeddings = ", ".join(f"{n:,} of {model}" for model, n in removed.embeddings.items())
    yield (
        f"removed: {removed.rows:,} reviews, the text of {removed.rejects:,} rejected rows,"
        f" {removed.products:,} products"
    )
    shards = f"{removed.clean_shards:,} clean shards"
    yield f"written again: {shards}; embeddings: {embeddings or 'none'}"
    yield (
        f"removed: {len(removed.index_versions):,} indexes, {removed.quarantined:,} damaged copies,"
        f" {removed.unreadable_shards:,} unreadable shards"
    )
    for each in receipt.uploads:
        rows = f"{each.rows:,} reviews" if each.rows else "perhaps some rows"
        yield f"still in the uploaded file: {rows}: {each.key} ({each.ingest_id})"
    if receipt.more_uploads:
        yield f"and in {receipt.more_uploads:,} other uploaded files"
    if receipt.what_to_do:
        yield f"what to do: {receipt.what_to_do}"
    yield from _describe_rest(receipt)
