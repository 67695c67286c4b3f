"""What the database is asked for, and when that is too much."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk.constructs.alarm import Alarm
from cdk.constructs.operations import Operations
from cdk.environments import DatabaseSize

_BUSY_PERCENT = 90
_FULL = 0.9
_CONNECTIONS_PER_ACU = 160
"""80 percent of what Aurora allows: about 200 for each ACU of the largest capacity."""
_CONNECTIONS_IDLE = 1_600
"""80 percent of 2,000, the most where the least capacity is half an ACU or none."""
_CONNECTIONS_RDS = 300
_VOLUME_GIB = 200
_GIB = 2**30


class DatabaseMetrics:
    """Metrics of the database (namespace AWS/RDS), of either kind."""

    def __init__(self, dimensions: Mapping[str, str], size: DatabaseSize) -> None:
        self.size = size
        self._dimensions = dict(dimensions)
        self.cpu = self._metric("CPUUtilization", "Maximum")
        self.connections = self._metric("DatabaseConnections", "Maximum")
        self.capacity = self._metric("ServerlessDatabaseCapacity", "Average")
        """ACU; Aurora alone."""
        self.volume = cloudwatch.MathExpression(
            expression=f"bytes / {_GIB}",
            label="storage (GiB)",
            period=Duration.hours(1),
            using_metrics={"bytes": self._metric("VolumeBytesUsed", "Maximum")},
        )
        """GiB; Aurora alone."""
        self.free = self._metric("FreeStorageSpace", "Minimum")
        """Bytes; RDS alone."""

    @property
    def serverless(self) -> bool:
        """Whether it is an Aurora cluster."""
        return self.size.kind == "aurora"

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/RDS",
            metric_name=name,
            statistic=statistic,
            period=Duration.minutes(5),
            dimensions_map=self._dimensions,
        )

    @property
    def most_connections(self) -> int:
        """Connections from which on an alarm is raised."""
        if not self.serverless:
            return _CONNECTIONS_RDS
        most = int(_CONNECTIONS_PER_ACU * self.size.max_acu)
        return min(most, _CONNECTIONS_IDLE) if self.size.min_acu <= 0.5 else most


def watch_database(
    scope: Construct, *, operations: Operations, metrics: DatabaseMetrics
) -> list[Alarm]:
    """Alarms on load, capacity, connections and storage."""

    def alarm(name: str, **said: Any) -> Alarm:
        return Alarm(scope, f"Database{name}", operations=operations, **said)

    alarms = [
        alarm(
            "Busy",
            metric=metrics.cpu,
            threshold=_BUSY_PERCENT,
            periods=3,
            why=f"Database: its CPU was at {_BUSY_PERCENT} percent or more for 15 minutes. Look at "
            "Performance Insights for the statement that does it, or give it more capacity.",
        ),
        alarm(
            "Connections",
            metric=metrics.connections,
            threshold=metrics.most_connections,
            periods=2,
            why=f"Database: {metrics.most_connections} connections or more are open, some 80 "
            "percent of all there can be. Lower the workers of a function, or raise the capacity.",
        ),
    ]
    return [*alarms, *(_serverless if metrics.serverless else _disk)(alarm, metrics)]


def _serverless(alarm: Any, metrics: DatabaseMetrics) -> list[Alarm]:
    most = metrics.size.max_acu
    return [
        alarm(
            "Capacity",
            metric=metrics.capacity,
            threshold=_FULL * most,
            periods=3,
            why=f"Database: it ran at {_FULL:.0%} or more of its largest capacity, {most} ACU, "
            "for 15 minutes, and will not grow further. Raise max_acu in cdk/environments.py.",
        ),
        alarm(
            "Volume",
            metric=metrics.volume,
            threshold=_VOLUME_GIB,
            missing=cloudwatch.TreatMissingData.IGNORE,  # many an hour has no value
            why=f"Database: it holds {_VOLUME_GIB} GiB or more. It grows by itself and is never "
            "full, but every GiB is paid for. Drop what old model versions left in analyses.",
        ),
    ]


def _disk(alarm: Any, metrics: DatabaseMetrics) -> list[Alarm]:
    least = metrics.size.storage_gib // 10
    return [
        alarm(
            "Disk",
            metric=metrics.free,
            threshold=least * _GIB,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
            periods=3,
            why=f"Database: {least} GiB of its disk are free or fewer. It grows by itself up to "
            "four times its first size; beyond that raise storage_gib in cdk/environments.py.",
        )
    ]
