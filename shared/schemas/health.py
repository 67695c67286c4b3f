"""Responses of ``GET /health``."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

HealthStatus = Literal["ok", "degraded", "unavailable"]


class Check(BaseModel):
    """State of one dependency of the service; ``detail`` says what is wrong."""

    model_config = ConfigDict(frozen=True)

    status: HealthStatus = "ok"
    detail: str | None = None


class Health(BaseModel):
    """State of one service.

    ``degraded``: it answers with limitations (for example, a new artefact was refused and the last
    good one is in use). ``unavailable``: it cannot do its main task; sent with HTTP status 503.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    status: HealthStatus = "ok"
    service: str
    version: str
    model_version: str | None = None
    index_version: str | None = None
    checks: dict[str, Check] = Field(default_factory=dict)


class GatewayHealth(BaseModel):
    """State of all services: ``ok`` if every service is, otherwise ``degraded``.

    On AWS one service answers for the API, and ``services`` is empty.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    status: HealthStatus = "ok"
    service: str
    version: str = ""
    model_version: str | None = None
    index_version: str | None = None
    services: dict[str, Health] = Field(default_factory=dict)


def worst_status(checks: dict[str, Check]) -> HealthStatus:
    """Status of a service whose checks are all equally important: that of the worst check."""
    order: tuple[HealthStatus, ...] = ("ok", "degraded", "unavailable")
    return max((check.status for check in checks.values()), key=order.index, default="ok")
