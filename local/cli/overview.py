"""``reviewlens overview``: how things are, what changed, what it costs and what waits."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.aspects import show_costs
from local.cli.connection import open_api
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from reviewlens.models import ExplainedMover, Overview, Period


def overview(
    category: options.Category = None,
    days: Annotated[
        int, typer.Option(min=1, max=3650, help="Length of the two periods that are compared.")
    ] = 90,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Show what matters first: what changed and why, what it costs, and what waits.

    Example: reviewlens overview --days 30
    """
    try:
        with open_api(state, api_url) as client:
            answer = client.overview(category=category, days=days)
    except LocalStackError as error:
        fail(error)
    print_json(answer) if as_json else show_overview(answer)


def show_overview(answer: Overview) -> None:
    """Print an answer of /overview."""
    out = console()
    if answer.now and answer.before:
        table = Table("period", "reviews", "net", "stars", box=None, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for period in (answer.now, answer.before):
            table.add_row(*_period_cells(period))
        out.print(table)
    else:
        out.print("No review has a date yet, so nothing can be compared.")
    for mover in (*answer.worse, *answer.better):
        out.print(_mover_line(mover), markup=False)
    if not answer.worse and not answer.better:
        out.print(f"No product changed by more than chance explains ({answer.products_tested}).")
    if answer.aspects and answer.compared:
        show_costs(answer.aspects, answer.compared)
    waiting = answer.waiting
    if waiting.ingests:
        out.print(f"In work: {waiting.ingests:,} uploads, {waiting.reviews:,} reviews wait.")
    if waiting.failed_shards:
        out.print(f"Failed: {waiting.failed_shards:,} batches; see `reviewlens redrive`.")


def _period_cells(period: Period) -> tuple[str, ...]:
    return (
        escape(f"{period.first_day} to {period.last_day}"),
        f"{period.reviews:,}",
        "" if period.net_sentiment is None else f"{period.net_sentiment:+.0f}",
        "" if period.mean_rating is None else f"{period.mean_rating:.2f}",
    )


def _mover_line(mover: ExplainedMover) -> str:
    change, cause = mover.change, mover.cause
    line = (
        f"{change.direction} since {change.day}: {mover.title or mover.product_id},"
        f" {change.negative_before:.0%} → {change.negative_after:.0%} negative"
    )
    if cause is not None:
        line += (
            f"; {cause.aspect}: {cause.complaints_before:,} → {cause.complaints_after:,} complaints"
        )
    return line
