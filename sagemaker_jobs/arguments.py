"""Command lines of jobs, made from their frozen configs."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict


class JobConfig(BaseModel):
    """Base of all job configs: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=JobConfig)


class _Parser(argparse.ArgumentParser):
    """Ends with the message itself, so that whoever catches the exit can pass it on."""

    def error(self, message: str) -> NoReturn:
        raise SystemExit(f"{message}\n{self.format_usage()}".strip())


def parse(
    config: type[Config],
    argv: Sequence[str] | None,
    defaults: Mapping[str, str],
    recipe_defaults: Mapping[str, object] | None = None,
) -> Config:
    """Build a config from ``--field value`` options over an optional ``--recipe FILE`` (JSON).

    Options are spelled with hyphens or, as SageMaker passes hyperparameters, with underscores; a
    value may be JSON, in quotes once or twice.

    Args:
        config: The config class; every field becomes an option.
        argv: Arguments without the program's name; None reads sys.argv.
        defaults: Field name to environment variable (as SageMaker sets them).
        recipe_defaults: What holds for a recipe that does not name the field.

    Raises:
        SystemExit: an option is unknown.
        pydantic.ValidationError: a value does not fit its field.
    """
    parser = _Parser(description=config.__doc__, allow_abbrev=False)
    parser.add_argument("--recipe", type=Path, help="JSON file with any of the fields below")
    for name, field in config.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=field.description)
    arguments = [_hyphens(part) for part in (sys.argv[1:] if argv is None else argv)]
    given = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    recipe = given.pop("recipe", None)
    values: dict[str, object] = {k: os.environ[v] for k, v in defaults.items() if os.environ.get(v)}
    if recipe is not None:
        values |= dict(recipe_defaults or {})
        values |= json.loads(recipe.read_text(encoding="utf-8"))
    return config.model_validate(values | {k: _decoded(v) for k, v in given.items()})


def _hyphens(part: str) -> str:
    """An option's name with hyphens; anything else as it is."""
    if not part.startswith("--"):
        return part
    name, equals, value = part.partition("=")
    return name.replace("_", "-") + equals + value


def _decoded(value: str) -> object:
    """What a value in JSON says; a bare one is itself."""
    if value == "null":
        return None
    if not value.startswith(('"', "{", "[")):
        return value
    try:
        found = json.loads(value)
    except json.JSONDecodeError:
        return value
    return _decoded(found) if isinstance(found, str) else found


def log_to_stderr(level: int = logging.INFO) -> None:
    """One line per event; what SageMaker's metric definitions read."""
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s")
