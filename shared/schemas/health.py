"""Responses of ``GET /health``."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from shared.schemas.documented import Documented

HealthStatus = Literal["ok", "degraded", "unavailable"]


class Check(Documented):
    """State of one dependency of the service."""

    model_config = ConfigDict(frozen=True)

    status: HealthStatus = "ok"
    """``ok``, ``degraded`` (it works with limitations) or ``unavailable``."""
    detail: str | None = None
    """What is wrong and, where there is something to do, what. Null if nothing is."""


class Backlog(Documented):
    """Work that is stored and not finished."""

    model_config = ConfigDict(frozen=True)

    reviews: int = 0
    """Stored reviews that are not analysed yet; after an upgrade or with a new model, not analysed
    again yet."""
    shards: int = 0
    """Number of shards that hold these ``reviews``."""
    ingests: int = 0
    """Uploads that are not processed to their end, or being undone."""
    oldest_ingest_at: datetime | None = None
    """When the oldest of these ``ingests`` was received, in UTC. Null if there are none."""
    progress_at: datetime | None = None
    """When any work on uploads was done last, in UTC. Null before the first upload."""


class QueueState(Documented):
    """How many messages a queue has, by what became of them."""

    model_config = ConfigDict(frozen=True)

    waiting: int
    """Messages that no worker has taken yet, and those that wait for their next attempt."""
    in_work: int
    """Messages that a worker has taken and not finished."""
    given_up: int
    """Messages in the dead-letter queue, which failed too often."""


class QuarantinedFile(Documented):
    """A damaged file that was moved out of the state folder's use."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Name of the file in the folder ``quarantine``."""
    reason: str
    """Why it could not be used, for a person."""
    at: str
    """When it was moved, as an ISO 8601 time in UTC."""


class Health(Documented):
    """State of one service.

    ``degraded``: it answers with limitations (for example, a new artefact was refused and the last
    good one is in use). ``unavailable``: it cannot do its main task; sent with HTTP status 503.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    status: HealthStatus = "ok"
    """The worst of the ``checks``: ``ok``, ``degraded`` or ``unavailable``."""
    service: str
    """Name of the service, as in GET /health/{service}."""
    version: str
    """Version of the installed package, such as ``0.1.0``."""
    model_version: str | None = None
    """Version of the model that the service uses. Null if it uses none, or has none yet."""
    index_version: str | None = None
    """Version of the index that the service searches. Null if it searches none, or there is none
    yet."""
    checks: dict[str, Check] = Field(default_factory=dict)
    """Name of a dependency, such as ``database`` or ``model`` → its state."""
    backlog: Backlog | None = None
    """Unfinished work, which only collection reports. Null for other services, and if the database
    does not answer."""


class GatewayHealth(Documented):
    """State of all services: ``ok`` if every service and check is, otherwise ``degraded``.

    On AWS one service answers for the API.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    status: HealthStatus = "ok"
    """``ok`` if every service and check is, otherwise ``degraded``."""
    service: str
    """``gateway``; on AWS the name of the service that answers, ``inference``."""
    version: str = ""
    """Version of the installed package, such as ``0.1.0``."""
    model_version: str | None = None
    """Version of the model that a service uses. Null if none has one yet."""
    index_version: str | None = None
    """Version of the index that a service searches. Null if there is none yet."""
    services: dict[str, Health] = Field(default_factory=dict)
    """Name of a service → its state. Empty on AWS."""
    checks: dict[str, Check] = Field(default_factory=dict)
    """On one machine, ``queues`` and ``disk``, with what is wrong with them; on AWS, the
    dependencies of the service that answers."""
    backlog: Backlog | None = None
    """Unfinished work, as collection reports it. Null if it cannot be counted, and on AWS."""
    queues: dict[str, QueueState] = Field(default_factory=dict)
    """Name of a queue of the stack on one machine → its messages. Empty on AWS."""
    free_bytes: dict[str, int] = Field(default_factory=dict)
    """Free space in bytes on one machine: of the state folder's disk (``state``) and of temporary
    files (``tmp``). Empty on AWS."""
    quarantine: list[QuarantinedFile] = Field(default_factory=list)
    """The newest damaged files that were set aside on one machine, at most a hundred. Empty on
    AWS."""


def worst_status(checks: dict[str, Check]) -> HealthStatus:
    """Status of a service whose checks are all equally important: that of the worst check."""
    order: tuple[HealthStatus, ...] = ("ok", "degraded", "unavailable")
    return max((check.status for check in checks.values()), key=order.index, default="ok")
