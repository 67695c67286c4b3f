"""``reviewlens summary``: what the reviews of a product say, in counts and quotations."""

from typing import Annotated

import typer

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from reviewlens.models import Summary


def summary(
    product: Annotated[str, typer.Argument(help="Id of the product.")],
    first_day: options.FirstDay = None,
    last_day: options.LastDay = None,
    links: Annotated[
        bool, typer.Option("--links", help="Show the reviews behind each count.")
    ] = False,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Sum up the reviews of a product in counts and quotations.

    Example: reviewlens summary RL-AUD-01
    """
    try:
        with open_api(state, api_url) as client:
            answer = client.summary(product, first_day=first_day, last_day=last_day)
    except LocalStackError as error:
        fail(error)
    print_json(answer) if as_json else show_summary(answer, links=links)


def show_summary(answer: Summary, *, links: bool = False) -> None:
    """Print an answer of /products/{product_id}/summary."""
    out = console()
    out.print(answer.title or answer.product_id, style="bold", markup=False)
    if not answer.sentences:
        out.print(answer.text, markup=False)
    for sentence in answer.sentences:
        out.print(sentence.text, markup=False)
        for count in sentence.counts if links else []:
            out.print(f"  {count.reviews:,} {count.what}: {count.reviews_link}", markup=False)
