"""Options shared by several commands."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from local.state import DEFAULT_FOLDER, Ports

State = Annotated[
    Path,
    typer.Option(
        "--state",
        envvar="REVIEWLENS_STATE",
        help="Folder for all data of the stack.",
        show_default=True,
    ),
]
ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--api-url",
        envvar="REVIEWLENS_API_URL",
        help="URL of an API, in place of the stack on this machine; its key: REVIEWLENS_API_KEY.",
    ),
]


class Format(StrEnum):
    """How a command prints its table."""

    TABLE = "table"
    CSV = "csv"


TableFormat = Annotated[
    Format, typer.Option("--format", help="Print the table for people, or as CSV.")
]
Json = Annotated[bool, typer.Option("--json", help="Print only the result, as JSON.")]
Product = Annotated[str | None, typer.Option(help="Only reviews of the product with this id.")]
Category = Annotated[
    str | None,
    typer.Option(help="Only products of this category; empty: those without a category."),
]
Source = Annotated[str | None, typer.Option(help="Only reviews from this family of dumps.")]
FirstDay = Annotated[
    str | None, typer.Option("--from", help="Written on this day or later (YYYY-MM-DD).")
]
LastDay = Annotated[
    str | None, typer.Option("--to", help="Written on this day or earlier (YYYY-MM-DD).")
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the HTTP API (0: any free port).")
]
AwsPort = Annotated[
    int,
    typer.Option(min=0, max=65535, help="Port of S3, SQS and Secrets Manager (0: any free port)."),
]
DatabasePort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of PostgreSQL (0: any free port).")
]
Model = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the model to publish; it becomes current if no model is.",
        show_default="models/default",
    ),
]

DEFAULTS = Ports()
STATE = DEFAULT_FOLDER
