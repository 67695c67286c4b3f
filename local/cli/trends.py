"""``reviewlens trends``: reviews over time, the day of a change and what explains it."""

from typing import Annotated, cast

import typer
from rich.table import Table

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, print_csv, print_json
from local.errors import LocalStackError
from reviewlens.models import (
    NO_CHANGE,
    Cause,
    Change,
    Explanation,
    Interval,
    Point,
    Quote,
    Trend,
)

_MAX_POINTS = 24


def trends(
    product: options.Product = None,
    category: options.Category = None,
    source: options.Source = None,
    interval: Annotated[
        str, typer.Option(help="Length of each point: day, week or month.")
    ] = "month",
    first_day: options.FirstDay = None,
    last_day: options.LastDay = None,
    table_format: options.TableFormat = options.Format.TABLE,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Show reviews over time, the day of a change, and what explains it.

    Example: reviewlens trends --product RL-AUD-01
    """
    try:
        with open_api(state, api_url) as client:
            trend = client.trends(
                product_id=product,
                category=category,
                source=source,
                interval=cast("Interval", interval),  # the API checks it
                first_day=first_day,
                last_day=last_day,
            )
    except LocalStackError as error:
        fail(error)
    if table_format is options.Format.CSV:
        print_csv(trend.points, Point)
    else:
        print_json(trend) if as_json else show_trend(trend)


def show_trend(trend: Trend) -> None:
    """Print an answer of /trends: its newest points with reviews, the change and its causes."""
    table = Table("from", "reviews", "negative", "net", "stars", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for point in [point for point in trend.points if point.reviews][-_MAX_POINTS:]:
        shares = point.sentiment_shares
        table.add_row(
            str(point.start),
            f"{point.reviews:,}",
            f"{shares.negative:.0%}" if shares else "",
            "" if point.net_sentiment is None else f"{point.net_sentiment:+.0f}",
            "" if point.mean_rating is None else f"{point.mean_rating:.2f}",
        )
    out, change = console(), trend.change
    out.print(table)
    if change is None:
        out.print(NO_CHANGE[trend.change_status])
        return
    out.print(_sentence(change))
    if len(trend.changes) > 1:
        out.print("All changes, each compared with the time since the last one:")
        for each in trend.changes:
            out.print(f"  {_sentence(each)}")
    if trend.explanation:
        show_explanation(trend.explanation)


def _sentence(change: Change) -> str:
    return (
        f"{change.direction.capitalize()} since {change.day}: {change.negative_after:.0%} of"
        f" {change.reviews_after:,} reviews are negative, {change.negative_before:.0%} of"
        f" {change.reviews_before:,} were before."
    )


def show_explanation(explanation: Explanation) -> None:
    """Print the aspects that explain a change, with quotes from both sides."""
    if not explanation.causes:
        console().print("No aspect explains it by more than chance.")
    for cause in explanation.causes:
        _show_cause(cause, explanation)


def _show_cause(cause: Cause, explanation: Explanation) -> None:
    out = console()
    out.print(f"\n{cause.aspect}", style="bold", markup=False)
    out.print(
        f"{cause.share_after:.0%} of {explanation.reviews_after:,} reviews complain about it"
        f" since, {cause.share_before:.0%} of {explanation.reviews_before:,} did before."
    )
    _show_quotes("before", cause.quotes_before)
    _show_quotes("since", cause.quotes_after)


def _show_quotes(when: str, quotes: list[Quote]) -> None:
    for quote in quotes:
        day = f"{quote.reviewed_at:%Y-%m-%d}" if quote.reviewed_at else ""
        console().print(f"  {when} {day} {quote.sentiment}: “{quote.text}”", markup=False)
