"""Settings of the functions that announce finished ingests."""

from shared.settings.base import ServiceSettings


class EventSettings(ServiceSettings):
    """Where events are sent."""

    event_bus: str = ""
    """EventBridge bus for the events of finished ingests, such as ``default``; empty: they are only
    logged."""
