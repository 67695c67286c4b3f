"""Command lines of jobs, made from their frozen configs."""

import argparse
import logging
import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict


class JobConfig(BaseModel):
    """Base of all job configs: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=JobConfig)


def parse(config: type[Config], argv: list[str] | None, defaults: dict[str, str]) -> Config:
    """Build a config from ``--field value`` options over an optional ``--recipe FILE`` (JSON).

    Args:
        config: The config class; every field becomes an option.
        argv: Arguments without the program's name; None reads sys.argv.
        defaults: Field name to environment variable (as SageMaker sets them).

    Raises:
        SystemExit: an option is unknown.
        pydantic.ValidationError: a value does not fit its field.
    """
    import json

    parser = argparse.ArgumentParser(description=config.__doc__, allow_abbrev=False)
    parser.add_argument("--recipe", type=Path, help="JSON file with any of the fields below")
    for name, field in config.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=field.description)
    given = {k: v for k, v in vars(parser.parse_args(argv)).items() if v is not None}
    recipe = given.pop("recipe", None)
    values = {k: os.environ[v] for k, v in defaults.items() if v in os.environ}
    if recipe is not None:
        values |= json.loads(recipe.read_text(encoding="utf-8"))
    for name, value in given.items():
        values[name] = json.loads(value) if value[:1] in "{[" else value
    return config.model_validate(values)


def log_to_stderr() -> None:
    """One line per event; what SageMaker's metric definitions read."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
