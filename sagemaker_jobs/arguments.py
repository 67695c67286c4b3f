"""Command lines of jobs, derived from their config classes."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict

TEXT = "text"
"""The modality of jobs that read texts alone."""
TEXT_AND_IMAGE = "text+image"


class JobConfig(BaseModel):
    """Base of all job configs: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=JobConfig)


class _Parser(argparse.ArgumentParser):
    """Exits with the message as the exit code, so that a caller can report it."""

    def error(self, message: str) -> NoReturn:
        raise SystemExit(f"{message}\n{self.format_usage()}".strip())


def parse(
    config: type[Config],
    argv: Sequence[str] | None,
    defaults: Mapping[str, str],
    recipe_defaults: Mapping[str, object] | None = None,
) -> Config:
    """Build a config from ``--field value`` options over an optional ``--recipe FILE`` (JSON).

    Options have hyphens or, as SageMaker passes hyperparameters, underscores; a value may be JSON,
    also JSON within a JSON string.

    Args:
        config: The config class; every field becomes an option.
        argv: Arguments without the program name; None reads sys.argv.
        defaults: Field name → environment variable, as set by SageMaker.
        recipe_defaults: Defaults of a recipe, for fields that it does not set.

    Raises:
        SystemExit: an option is unknown.
        pydantic.ValidationError: a value is invalid.
    """
    parser = _Parser(description=config.__doc__, allow_abbrev=False)
    parser.add_argument("--recipe", type=Path, help="JSON file with any of the fields below")
    for name, field in config.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=field.description)
    arguments = [_hyphens(part) for part in (sys.argv[1:] if argv is None else argv)]
    options = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    recipe = options.pop("recipe", None)
    values: dict[str, object] = {k: os.environ[v] for k, v in defaults.items() if os.environ.get(v)}
    if recipe is not None:
        values |= dict(recipe_defaults or {})
        values |= json.loads(recipe.read_text(encoding="utf-8"))
    return config.model_validate(values | {k: _decode(v) for k, v in options.items()})


def _hyphens(part: str) -> str:
    """Replace underscores by hyphens in an option's name; other parts stay the same."""
    if not part.startswith("--"):
        return part
    name, equals, value = part.partition("=")
    return name.replace("_", "-") + equals + value


def _decode(value: str) -> object:
    """Decode a JSON value; other values are returned unchanged."""
    if value == "null":
        return None
    if not value.startswith(('"', "{", "[")):
        return value
    try:
        decoded = json.loads(value)
    except json.JSONDecodeError:
        return value
    return _decode(decoded) if isinstance(decoded, str) else decoded


def take_modality(arguments: list[str], others: Collection[str]) -> str:
    """The value of --modality, which is removed; what reads texts alone is the default.

    Args:
        arguments: those of the process.
        others: the modalities that are allowed beside TEXT.

    Raises:
        SystemExit: it is unknown.
    """
    for place, part in enumerate(arguments):
        name, equals, value = part.partition("=")
        if name != "--modality":
            continue
        values = [value] if equals else arguments[place + 1 : place + 2]
        del arguments[place : place + (1 if equals else 2)]
        chosen = values[0].strip('"') if values else ""  # script mode quotes texts
        if chosen in (TEXT, *others):
            return chosen
        raise SystemExit(f"modality: allowed are {', '.join((TEXT, *others))}")
    return TEXT


def run_step(
    package: str, steps: Mapping[str, type[JobConfig]], argv: Sequence[str] | None
) -> object:
    """Run the step that the first argument names; returns its record.

    Args:
        package: The package with a module for each step, which has ``run(config)``.
        steps: The config class of each step.
        argv: Arguments without the program name; None reads sys.argv.

    Raises:
        SystemExit: there is no such step, or an option is unknown.
    """
    log_to_stderr()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in steps:
        sys.exit(f"the first argument must be one of: {', '.join(steps)}")
    config = parse(steps[arguments[0]], arguments[1:], {})
    return import_module(f"{package}.{arguments[0]}").run(config)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Log one line per event, which SageMaker's metric definitions parse."""
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s")
