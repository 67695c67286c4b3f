"""``reviewlens demo``: ingest the sample dumps through S3 and show results."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.ask import show_analysis, show_results
from local.cli.ingest import show
from local.cli.ingest_local import ingest_files
from local.cli.output import console, fail
from local.cli.up import running_stack, serve, shipped_model, show_addresses
from local.dumps import plan_uploads
from local.errors import LocalStackError
from local.stack.client import StackClient, connected
from local.state import Ports, StateFolder
from reviewlens.models import IngestReport, IngestStatus, Product

_DUMPS = ("reviews.jsonl.gz", "outdoor.csv", "kitchen.tsv", "audio.review")
_TEXT = "The hinge cracked after three weeks and I want a refund."
_QUERY = "hinge cracked"


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit after the results.")] = False,
    state: options.State = options.STATE,
    port: options.Port = options.DEFAULTS.gateway,
    aws_port: options.AwsPort = options.DEFAULTS.aws,
    database_port: options.DatabasePort = options.DEFAULTS.database,
    model: options.Model = None,
) -> None:
    """Start the stack, ingest the sample dumps through S3, show results, and serve until Ctrl-C.

    With --once the exit status is 0 only if every step succeeded.

    Example: reviewlens demo --once
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    ports = Ports(gateway=port, aws=aws_port, database=database_port)
    try:
        dumps = _sample_dumps()
        model = model or _require_shipped_model()
        with running_stack(StateFolder(state), ports, model) as (stack, running):
            with stack.watch_in_background(), connected(StateFolder(state)) as client:
                _run(client, dumps)
            if not once:
                show_addresses(running)
                serve(stack)
    except LocalStackError as error:
        fail(error)


def _sample_dumps() -> list[Path]:
    folder = Path(__file__).resolve().parents[2] / "samples"
    dumps = [folder / name for name in _DUMPS]
    missing = [dump.name for dump in dumps if not dump.is_file()]
    if missing:
        message = f"{', '.join(missing)} not found in {folder}: run the demo from a checkout."
        raise LocalStackError(message)
    return dumps


def _require_shipped_model() -> Path:
    folder = shipped_model()
    if folder is None:
        raise LocalStackError("models/default not found: run the demo from a checkout.")
    return folder


def _run(client: StackClient, dumps: list[Path]) -> None:
    """Ingest the dumps, then query them.

    Raises:
        LocalStackError: a result is not what the samples must produce.
    """
    out = console()
    out.rule("Uploading four dumps in four formats to S3", align="left")
    reports = ingest_files(client, plan_uploads(dumps))
    show(reports)
    for report in reports:
        _check_counts(report)
    out.rule("Products", align="left")
    products = client.api.products(limit=20).page().products
    out.print(_product_table(products))
    out.rule("POST /analyze", align="left")
    out.print(f"“{_TEXT}”", style="italic")
    analysis = client.api.analyze(_TEXT, top_k=3)
    show_analysis(analysis)
    out.rule("POST /search_similar, Wren Folding Headphones only", align="left")
    out.print(f"“{_QUERY}”", style="italic")
    results = client.api.search(_QUERY, top_k=4, filters={"product_id": "RL-AUD-01"})
    show_results(results)
    if not (products and analysis.similar_reviews and results.results):
        raise LocalStackError("The samples were ingested, but a query returned nothing.")


def _check_counts(report: IngestReport) -> None:
    total = report.stored + report.duplicates + report.rejected
    if report.status is not IngestStatus.PROCESSED or report.rows_read != total:
        raise LocalStackError(f"{report.key} was not processed completely: {report.status}.")


def _product_table(products: Sequence[Product]) -> Table:
    table = Table("product", "title", "category", box=None, pad_edge=False)
    table.columns[1].no_wrap = True
    for name in ("reviews", "stars", "neg.", "neu.", "pos."):
        table.add_column(name, justify="right")
    for product in products:
        shares = product.sentiment_shares
        split = (shares.negative, shares.neutral, shares.positive) if shares else ()
        table.add_row(
            *(escape(text or "") for text in (product.product_id, product.title, product.category)),
            str(product.reviews),
            "" if product.mean_rating is None else f"{product.mean_rating:.1f}",
            *(f"{share:.0%}" for share in split),
        )
    return table
