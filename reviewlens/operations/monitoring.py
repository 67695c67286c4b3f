"""Health of the API and of each service."""

from dataclasses import replace
from http import HTTPStatus

from reviewlens.calls import Call, get
from shared.schemas.health import GatewayHealth, Health

_UNAVAILABLE = frozenset({HTTPStatus.SERVICE_UNAVAILABLE.value})


def health() -> Call[GatewayHealth]:
    """Health of the API, and of each of its services where it reports them."""
    return replace(get(GatewayHealth, "/health"), answers=_UNAVAILABLE)


def service_health(service: str) -> Call[Health]:
    """Health of one service: collection, processing, retrieval, inference, insights, training."""
    call = get(Health, "/health/{service}", {"service": service})
    return replace(call, answers=_UNAVAILABLE)
