"""``reviewlens exclusions``: list the excluded reviewers and products, and end exclusions."""

from typing import Annotated

import typer

from local.cli import options
from local.cli.connection import open_api
from local.cli.forget import show_exclusions
from local.cli.output import fail, print_json
from local.errors import LocalStackError


def exclusions(
    end: Annotated[
        list[str] | None,
        typer.Option(metavar="EXCLUSION", help="End this exclusion; repeatable."),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """List the excluded reviewers and products with their receipts, or end some exclusions.

    Once an exclusion is ended, dumps that are read are stored with its rows again; nothing that was
    read before is read again. Of an API on AWS (--api-url), --end needs AWS credentials that may
    call DELETE /exclusions.

    Example: reviewlens exclusions --end exc_0123456789abcdef01234567
    """
    try:
        with open_api(state, api_url) as client:
            if end:
                listed = [client.end_exclusion(each) for each in end]
            else:
                listed = list(client.exclusions())
    except LocalStackError as error:
        fail(error)
    print_json({"exclusions": listed}) if as_json else show_exclusions(listed)
