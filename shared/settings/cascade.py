"""Settings of the functions that give sentiments."""

from pydantic import Field

from shared.settings.base import ServiceSettings


class CascadeSettings(ServiceSettings):
    """A second, more accurate model, asked where the current one is not sure."""

    second_model: str = ""
    """Version of a second model, which gives the sentiment of texts that the current one is not
    sure of; empty: none. ``reviewlens models add FOLDER`` registers it."""
    second_model_below: float | None = Field(default=None, ge=0, le=1)
    """Confidence below which the second model is asked; unset: where the rules of the current model
    say that it is not sure."""
