"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from local.state import DEFAULT_FOLDER, Ports

State = Annotated[
    Path,
    typer.Option(
        "--state",
        envvar="REVIEWLENS_STATE",
        help="Folder of everything that the stack keeps.",
        show_default=True,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the HTTP API (0: any free).")]
AwsPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of S3, SQS and Secrets Manager (0: any free).")
]
DatabasePort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of PostgreSQL (0: any free).")
]
Model = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the model to publish where none is current.", show_default="models/default"
    ),
]

DEFAULTS = Ports()
STATE = DEFAULT_FOLDER
