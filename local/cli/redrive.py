"""``reviewlens redrive``: try failed shards again."""

from collections.abc import Iterator
from typing import Annotated

import typer

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from reviewlens import Client
from reviewlens.models import ProcessAccepted

_PAGE_INGESTS = 200


def redrive(
    ingest_ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INGEST…]",
            help="Ingests; by default all with failed shards.",
            show_default=False,
        ),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Try the failed shards of ingests again.

    A shard fails after several attempts, and is not tried again by itself; `reviewlens status` says
    which ones failed and why, and GET /health counts those of all ingests. Repeating the command
    changes nothing. Of an API on AWS (--api-url), it needs AWS credentials that may call
    POST /process.

    Example: reviewlens redrive
    """
    try:
        with open_api(state, api_url) as client:
            accepted = [client.process(each) for each in ingest_ids or _failed(client)]
    except LocalStackError as error:
        fail(error)
    print_json({"ingests": accepted}) if as_json else _show(accepted)


def _failed(client: Client) -> Iterator[str]:
    """Ids of the ingests that have failed shards."""
    cursor = None
    while True:
        page = client.ingests(limit=_PAGE_INGESTS, cursor=cursor)
        yield from (report.ingest_id for report in page.ingests if report.shards_failed)
        cursor = page.next_cursor
        if cursor is None:
            return


def _show(accepted: list[ProcessAccepted]) -> None:
    if not accepted:
        console().print("No shard has failed.")
    for each in accepted:
        console().print(f"{each.ingest_id}: {each.message}", markup=False)
