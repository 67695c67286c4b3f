"""``reviewlens demo``: the samples through S3, and what comes of them."""

import logging
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.ask import show_analysis, show_results
from local.cli.following import failures, follow
from local.cli.ingest import send_uploads, show
from local.cli.output import console, fail
from local.cli.up import describe, running_stack, serve, shipped_model
from local.errors import LocalStackError
from local.stack.client import StackClient
from local.stack.uploads import plan_uploads
from local.state import Ports, StateFolder

_DUMPS = ("reviews.jsonl.gz", "outdoor.csv", "kitchen.tsv", "audio.review")
_TEXT = "The hinge snapped after three weeks and support never answered."
_QUERY = "hinge broke"


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the answers.")] = False,
    state: options.State = options.STATE,
    port: options.Port = options.DEFAULTS.gateway,
    aws_port: options.AwsPort = options.DEFAULTS.aws,
    database_port: options.DatabasePort = options.DEFAULTS.database,
    model: options.Model = None,
) -> None:
    """Start the stack, ingest the sample dumps through S3, show answers, and serve until Ctrl-C.

    With --once the exit status is 0 only when every step worked.

    Example: reviewlens demo --once
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    ports = Ports(gateway=port, aws=aws_port, database=database_port)
    try:
        dumps = _samples()
        model = model or _shipped_model()
        with running_stack(StateFolder(state), ports, model) as (stack, running):
            client = StackClient(running)
            with stack.watch_in_background():
                _run(client, dumps)
            client.close()
            if not once:
                describe(running)
                serve(stack)
    except LocalStackError as error:
        fail(error)


def _samples() -> list[Path]:
    folder = Path(__file__).resolve().parents[2] / "samples"
    dumps = [folder / name for name in _DUMPS]
    missing = [dump.name for dump in dumps if not dump.is_file()]
    if missing:
        told = f"{', '.join(missing)} not found in {folder}: run the demo from a checkout."
        raise LocalStackError(told)
    return dumps


def _shipped_model() -> Path:
    folder = shipped_model()
    if folder is None:
        raise LocalStackError("models/default is not there: run the demo from a checkout.")
    return folder


def _run(client: StackClient, dumps: list[Path]) -> None:
    """Ingest, then ask.

    Raises:
        LocalStackError: an answer is not what the samples must give.
    """
    say = console()
    say.rule("Four dumps in four formats go to S3", align="left")
    failed_before = failures(client)
    reports = follow(client, send_uploads(client, plan_uploads(dumps)), failed_before)
    show(reports)
    for report in reports:
        _check_counts(report)
    say.rule("Products", align="left")
    products = client.get("/products", limit=20)["products"]
    say.print(_product_table(products))
    say.rule("POST /analyze", align="left")
    say.print(f"“{_TEXT}”", style="italic")
    analysis = client.post("/analyze", {"query_text": _TEXT, "top_k": 3})
    show_analysis(analysis)
    say.rule("POST /search_similar, Wren Folding Headphones only", align="left")
    say.print(f"“{_QUERY}”", style="italic")
    body = {"query_text": _QUERY, "top_k": 5, "filters": {"product_id": "RL-AUD-01"}}
    found = client.post("/search_similar", body)
    show_results(found)
    if not (products and analysis["similar_reviews"] and found["results"]):
        raise LocalStackError("The samples were ingested, but an answer is empty.")


def _check_counts(report: dict[str, Any]) -> None:
    whole = report["stored"] + report["duplicates"] + report["rejected"]
    if report["status"] != "processed" or report["rows_read"] != whole:
        raise LocalStackError(f"{report['key']} did not get through: {report['status']}.")


def _product_table(products: list[dict[str, Any]]) -> Table:
    table = Table("product", "title", "category", box=None, pad_edge=False)
    table.columns[1].no_wrap = True
    for name in ("reviews", "stars", "neg.", "neu.", "pos."):
        table.add_column(name, justify="right")
    for product in products:
        shares = product["sentiment_shares"] or {}
        stars = product["mean_rating"]
        table.add_row(
            *(escape(product[name] or "") for name in ("product_id", "title", "category")),
            str(product["reviews"]),
            "" if stars is None else f"{stars:.1f}",
            *(
                f"{shares[name]:.0%}" if shares else ""
                for name in ("negative", "neutral", "positive")
            ),
        )
    return table
