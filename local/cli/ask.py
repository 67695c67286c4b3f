"""``reviewlens analyze`` and ``reviewlens search``: the two questions that visitors ask."""

from typing import Annotated, Any

import typer
from rich.table import Table

from local.cli import options
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from local.stack.client import connected
from local.state import StateFolder

_COLOURS = {"negative": "red", "neutral": "yellow", "positive": "green"}
_SHOWN_CHARACTERS = 160

Text = Annotated[str, typer.Argument(help="What a customer wrote.")]


def analyze(
    text: Text,
    top_k: Annotated[int, typer.Option(min=0, max=100, help="Similar reviews to show.")] = 5,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Tell the sentiment of a text, and the stored reviews most like it.

    Example: reviewlens analyze "The battery died after two days."
    """
    try:
        with connected(StateFolder(state)) as client:
            answer = client.post("/analyze", {"query_text": text, "top_k": top_k})
    except LocalStackError as error:
        fail(error)
    print_json(answer) if as_json else show_analysis(answer)


def search(
    text: Annotated[str, typer.Argument(help="What the reviews should be about.")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Reviews to show.")] = 10,
    product: Annotated[str | None, typer.Option(help="Of this product (its id) only.")] = None,
    sentiment: Annotated[
        str | None, typer.Option(help="negative, neutral or positive only.")
    ] = None,
    min_rating: Annotated[float | None, typer.Option(help="At least so many stars.")] = None,
    max_rating: Annotated[float | None, typer.Option(help="At most so many stars.")] = None,
    date_from: Annotated[
        str | None, typer.Option("--from", help="Written on this day or later (YYYY-MM-DD).")
    ] = None,
    date_to: Annotated[
        str | None, typer.Option("--to", help="Written on this day or earlier (YYYY-MM-DD).")
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Find the reviews most like a text, among those that the filters hold for.

    Example: reviewlens search "hinge broke" --product RL-AUD-01 --sentiment negative
    """
    filters = {
        "product_id": product,
        "sentiment": sentiment,
        "min_rating": min_rating,
        "max_rating": max_rating,
        "date_from": date_from,
        "date_to": date_to,
    }
    given = {name: value for name, value in filters.items() if value is not None}
    try:
        with connected(StateFolder(state)) as client:
            body = {"query_text": text, "top_k": top_k, "filters": given or None}
            answer = client.post("/search_similar", body)
    except LocalStackError as error:
        fail(error)
    print_json(answer) if as_json else show_results(answer)


def show_analysis(answer: dict[str, Any]) -> None:
    """Print an answer of /analyze."""
    say = console()
    sentiment = answer["sentiment"]
    say.print(
        f"[{_COLOURS[sentiment]} bold]{sentiment}[/]  "
        f"(confidence {answer['confidence']:.2f})  {answer['summary']}"
    )
    _show_reviews(answer["similar_reviews"])
    _show_warnings(answer)


def show_results(answer: dict[str, Any]) -> None:
    """Print an answer of /search_similar."""
    if not answer["results"]:
        console().print("No review matches.")
    _show_reviews(answer["results"])
    _show_warnings(answer)


def _show_reviews(reviews: list[dict[str, Any]]) -> None:
    table = Table("similarity", "sentiment", "stars", "product", "review", box=None, pad_edge=False)
    for review in reviews:
        text, colour = review["review_text"], _COLOURS[review["sentiment"]]
        shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
        table.add_row(
            f"{review['similarity_score']:.2f}",
            f"[{colour}]{review['sentiment']}[/]",
            "" if review["rating"] is None else f"{review['rating']:g}",
            _plain(review["product_id"] or ""),
            _plain(shown),
        )
    if reviews:
        console().print(table)


def _show_warnings(answer: dict[str, Any]) -> None:
    for warning in answer["warnings"]:
        console().print(f"note: {warning}", style="dim", markup=False)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
