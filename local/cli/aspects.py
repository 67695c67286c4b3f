"""``reviewlens aspects``: what reviews praise and complain about, and what it costs."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, print_csv, print_json
from local.errors import LocalStackError
from reviewlens.models import Aspect, AspectList, Compared, Impact

_SCALES = {"stars": "stars", "sentiment": "net sentiment"}


def aspects(
    product: options.Product = None,
    category: options.Category = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Aspects to show.")] = 20,
    quotes: Annotated[bool, typer.Option("--quotes", help="Show a quote for each.")] = False,
    table_format: options.TableFormat = options.Format.TABLE,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Show what reviews praise and complain about, and what it costs in stars.

    Example: reviewlens aspects --product RL-AUD-01
    """
    try:
        with open_api(state, api_url) as client:
            answer = client.aspects(product_id=product, category=category, limit=limit, impact=True)
    except LocalStackError as error:
        fail(error)
    if table_format is options.Format.CSV:
        print_csv(answer.aspects, Aspect)
    else:
        print_json(answer) if as_json else show_aspects(answer, quotes=quotes)


def show_aspects(answer: AspectList, *, quotes: bool = False) -> None:
    """Print an answer of /aspects."""
    out = console()
    if not answer.aspects:
        out.print("There are too few reviews to find what people talk about.")
        return
    show_costs(answer.aspects, answer.compared)
    for aspect in answer.aspects if quotes else []:
        for quote in aspect.quotes[:1]:
            out.print(f"  {aspect.aspect}: “{quote.text}”", markup=False)


def show_costs(aspects: Sequence[Aspect], compared: Compared | None) -> None:
    """Print a table of aspects with what they cost."""
    table = Table(
        *("aspect", "reviews", "negative", "category", "complaint", "praise", "effect", "cost"),
        box=None,
        pad_edge=False,
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for aspect in aspects:
        table.add_row(*_cells(aspect))
    console().print(table)
    if compared:
        console().print(
            f"Complaint, praise, effect and cost in {_SCALES[compared.scale]},"
            f" from {compared.reviews:,} reviews."
        )


def _cells(aspect: Aspect) -> tuple[str, ...]:
    elsewhere = aspect.category_negative_share
    return (
        escape(aspect.aspect),
        f"{aspect.reviews:,}",
        f"{aspect.negative_share:.0%}",
        "" if elsewhere is None else f"{elsewhere:.0%}",
        *(_impact_cells(aspect.impact) if aspect.impact else ("",) * 4),
    )


def _impact_cells(impact: Impact) -> tuple[str, ...]:
    means = (impact.complaining.mean, impact.praising.mean)
    return (
        *("" if mean is None else f"{mean:.2f}" for mean in means),
        f"{impact.effect:+.2f}",
        f"{impact.cost:+.2f}",
    )
