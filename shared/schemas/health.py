"""Responses of ``GET /health``."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

HealthStatus = Literal["ok", "degraded", "unavailable"]


class Check(BaseModel):
    """State of one dependency of the service; ``detail`` says what is wrong."""

    model_config = ConfigDict(frozen=True)

    status: HealthStatus = "ok"
    detail: str | None = None


class Backlog(BaseModel):
    """Work that is stored and not finished.

    ``reviews`` of ``shards`` are stored and not analysed yet (after an upgrade or with a new model:
    not analysed again yet). ``ingests`` are uploaded and not processed to their end; the oldest was
    received at ``oldest_ingest_at``, and there was progress at ``progress_at``.
    """

    model_config = ConfigDict(frozen=True)

    reviews: int = 0
    shards: int = 0
    ingests: int = 0
    oldest_ingest_at: datetime | None = None
    progress_at: datetime | None = None


class QueueState(BaseModel):
    """Messages of a queue; ``given_up``: those in its dead-letter queue, which failed too often."""

    model_config = ConfigDict(frozen=True)

    waiting: int
    in_work: int
    given_up: int


class QuarantinedFile(BaseModel):
    """A damaged file of the state folder: its name in quarantine, the reason, and the time."""

    model_config = ConfigDict(frozen=True)

    name: str
    reason: str
    at: str


class Health(BaseModel):
    """State of one service; ``backlog`` is reported by collection.

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
    backlog: Backlog | None = None


class GatewayHealth(BaseModel):
    """State of all services: ``ok`` if every service and check is, otherwise ``degraded``.

    ``queues`` and ``free_bytes`` (of the state folder's disk and of temporary files) describe the
    stack on one machine, and ``checks`` what is wrong with them. ``quarantine`` lists the newest
    files in the quarantine of the state folder, at most a hundred. On AWS one service answers for
    the API, and all of these are empty.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    status: HealthStatus = "ok"
    service: str
    version: str = ""
    model_version: str | None = None
    index_version: str | None = None
    services: dict[str, Health] = Field(default_factory=dict)
    checks: dict[str, Check] = Field(default_factory=dict)
    backlog: Backlog | None = None
    queues: dict[str, QueueState] = Field(default_factory=dict)
    free_bytes: dict[str, int] = Field(default_factory=dict)
    quarantine: list[QuarantinedFile] = Field(default_factory=list)


def worst_status(checks: dict[str, Check]) -> HealthStatus:
    """Status of a service whose checks are all equally important: that of the worst check."""
    order: tuple[HealthStatus, ...] = ("ok", "degraded", "unavailable")
    return max((check.status for check in checks.values()), key=order.index, default="ok")
