"""A function's environment, made from its settings class."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from cdk.environments import Environment


def variables(
    settings: type[BaseSettings], environment: Environment, values: Mapping[str, Any]
) -> dict[str, str]:
    """The variables that a function's settings are read from.

    Args:
        settings: the function's settings class.
        environment: gives ``environment`` and ``log_level``.
        values: the other fields, by name; what has a default may be left out. References to
            resources are strings until they are deployed.

    Returns:
        Name of the variable to its value.

    Raises:
        ValueError: a value that the class does not know, lacks, or refuses; names class and field.
    """
    given = {"environment": environment.name, "log_level": environment.log_level, **values}
    name, fields = settings.__name__, settings.model_fields
    unknown = sorted(given.keys() - fields.keys())
    if unknown:
        raise ValueError(f"{name} has no field {', '.join(unknown)}")
    missing = sorted(
        field for field, info in fields.items() if info.is_required() and field not in given
    )
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}")
    texts = {field: _text(value) for field, value in given.items()}
    try:
        _check(settings, texts)
    except ValidationError as error:
        raise ValueError(f"{name} refuses its values: {error}") from error
    prefix = settings.model_config.get("env_prefix", "")
    return {f"{prefix}{field}".upper(): text for field, text in sorted(texts.items())}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float, Path)):
        return str(value)
    raise ValueError(f"a setting must be a plain value, not {type(value).__name__}")


def _check(settings: type[BaseSettings], texts: dict[str, Any]) -> None:
    """Read the values as the function will; the variables of who deploys do not count."""

    class Given(settings):  # type: ignore[misc, valid-type]
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
            init_settings: PydanticBaseSettingsSource,
            **_others: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    Given(**texts)
