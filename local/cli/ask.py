"""``reviewlens analyze`` and ``reviewlens search``: query the API."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, print_csv, print_json
from local.errors import LocalStackError
from reviewlens.models import AnalyzeResponse, SearchResponse, SearchResult, SimilarReview

_COLOURS = {"negative": "red", "neutral": "yellow", "positive": "green"}
_MAX_TEXT_CHARACTERS = 160

Text = Annotated[str, typer.Argument(help="Text of a review.")]


def analyze(
    text: Text,
    top_k: Annotated[int, typer.Option(min=0, max=100, help="Similar reviews to show.")] = 5,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Show the sentiment of a text and the most similar stored reviews.

    Example: reviewlens analyze "The battery died after two days."
    """
    try:
        with open_api(state, api_url) as client:
            response = client.analyze(text, top_k=top_k)
    except LocalStackError as error:
        fail(error)
    print_json(response) if as_json else show_analysis(response)


def search(
    text: Annotated[str, typer.Argument(help="Text to compare reviews with.")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Reviews to show.")] = 10,
    product: options.Product = None,
    sentiment: Annotated[
        str | None,
        typer.Option(help="Only reviews with this sentiment: negative, neutral or positive."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Only reviews in this language: an ISO 639-1 code, or und.")
    ] = None,
    min_rating: Annotated[float | None, typer.Option(help="Minimum number of stars.")] = None,
    max_rating: Annotated[float | None, typer.Option(help="Maximum number of stars.")] = None,
    date_from: options.FirstDay = None,
    date_to: options.LastDay = None,
    table_format: options.TableFormat = options.Format.TABLE,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Find the reviews most similar to a text, optionally filtered.

    Example: reviewlens search "hinge broke" --product RL-AUD-01 --sentiment negative
    """
    filters = {
        "product_id": product,
        "sentiment": sentiment,
        "language": language,
        "min_rating": min_rating,
        "max_rating": max_rating,
        "date_from": date_from,
        "date_to": date_to,
    }
    active_filters = {name: value for name, value in filters.items() if value is not None}
    try:
        with open_api(state, api_url) as client:
            response = client.search(text, top_k=top_k, filters=active_filters)
    except LocalStackError as error:
        fail(error)
    if table_format is options.Format.CSV:
        print_csv(response.results, SearchResult)
    else:
        print_json(response) if as_json else show_results(response)


def show_analysis(response: AnalyzeResponse) -> None:
    """Print a response of /analyze."""
    out = console()
    sentiment = response.sentiment
    if sentiment is None or response.confidence is None:
        out.print(response.summary)
    else:
        out.print(
            f"[{_COLOURS[sentiment]} bold]{sentiment}[/]  "
            f"(confidence {response.confidence:.2f}, {'sure' if response.sure else 'not sure'})"
            f"  {response.summary}"
        )
    if response.mixed:
        out.print("Mixed: praise and complaint.")
    _show_reviews(response.similar_reviews)
    _show_warnings(response.warnings)


def show_results(response: SearchResponse) -> None:
    """Print a response of /search_similar."""
    if not response.results:
        console().print("No reviews match.")
    _show_reviews(response.results)
    _show_warnings(response.warnings)


def _show_reviews(reviews: Sequence[SimilarReview]) -> None:
    table = Table("similarity", "sentiment", "stars", "product", "review", box=None, pad_edge=False)
    for review in reviews:
        text = review.review_text
        sentiment = review.sentiment
        shown = text if len(text) <= _MAX_TEXT_CHARACTERS else f"{text[:_MAX_TEXT_CHARACTERS]}…"
        table.add_row(
            f"{review.similarity_score:.2f}",
            f"[{_COLOURS[sentiment]}]{sentiment}[/]" if sentiment else "unknown",
            "" if review.rating is None else f"{review.rating:g}",
            _escape(review.product_id or ""),
            _escape(shown),
        )
    if reviews:
        console().print(table)


def _show_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings:
        console().print(f"Note: {warning}", style="dim", markup=False)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
