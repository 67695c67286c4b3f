"""The environment variables of a function, checked against its settings class."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from cdk.environments import Environment


def environment_variables(
    settings: type[BaseSettings], environment: Environment, values: Mapping[str, Any]
) -> dict[str, str]:
    """The environment variables from which a function reads its settings.

    Args:
        settings: the function's settings class.
        environment: provides ``environment``, ``log_level`` and the settings of a cascade.
        values: the other fields by name; fields with a default may be omitted. References to
            resources are placeholder strings until deployment.

    Returns:
        Variable name → value.

    Raises:
        ValueError: a field is unknown, missing or not valid; names class and field.
    """
    name, fields = settings.__name__, settings.model_fields
    values = {
        "environment": environment.name,
        "log_level": environment.log_level,
        **{field: value for field, value in _cascade(environment) if field in fields},
        **values,
    }
    unknown = sorted(values.keys() - fields.keys())
    if unknown:
        raise ValueError(f"{name} has no field {', '.join(unknown)}")
    missing = sorted(
        field for field, info in fields.items() if info.is_required() and field not in values
    )
    if missing:
        raise ValueError(f"{name} needs values for {', '.join(missing)}")
    texts = {field: _text(value) for field, value in values.items()}
    try:
        _validate(settings, texts)
    except ValidationError as error:
        raise ValueError(f"{name} rejects its values: {error}") from error
    prefix = settings.model_config.get("env_prefix", "")
    return {f"{prefix}{field}".upper(): text for field, text in sorted(texts.items())}


def _cascade(environment: Environment) -> list[tuple[str, str | float]]:
    """The settings of a cascade, if the environment has one; see CascadeSettings."""
    settings: list[tuple[str, str | float]] = []
    if environment.second_model:
        settings.append(("second_model", environment.second_model))
        if environment.second_model_below is not None:
            settings.append(("second_model_below", environment.second_model_below))
    return settings


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float, Path)):
        return str(value)
    raise ValueError(f"a setting must be a plain value, not {type(value).__name__}")


def _validate(settings: type[BaseSettings], texts: dict[str, Any]) -> None:
    """Parse the values as the function will, ignoring the environment of this process."""

    class WithoutEnvironment(settings):  # type: ignore[misc, valid-type]
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
            init_settings: PydanticBaseSettingsSource,
            **_others: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    WithoutEnvironment(**texts)
