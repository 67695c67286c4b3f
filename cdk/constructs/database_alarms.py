"""Metrics of the database, and the alarms on them."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk.constructs.alarm import Alarm, Severity
from cdk.constructs.operations import Operations
from cdk.environments import DatabaseSize

_CPU_ALARM_PERCENT = 90
_CAPACITY_ALARM_SHARE = 0.9
_ALARM_CONNECTIONS_PER_ACU = 160
"""80 percent of the limit of Aurora: about 200 for each ACU of the maximum capacity."""
_ALARM_CONNECTIONS_SMALL_MINIMUM = 1_600
"""80 percent of 2,000, Aurora's limit where the minimum capacity is at most half an ACU."""
_ALARM_CONNECTIONS_RDS = 300
_VOLUME_ALARM_GIB = 200
_GIB = 2**30


class DatabaseMetrics:
    """Metrics of the database (namespace AWS/RDS), for both kinds."""

    def __init__(self, dimensions: Mapping[str, str], size: DatabaseSize) -> None:
        self.size = size
        self._dimensions = dict(dimensions)
        self.cpu = self._metric("CPUUtilization", "Maximum")
        self.connections = self._metric("DatabaseConnections", "Maximum")
        self.capacity = self._metric("ServerlessDatabaseCapacity", "Average")
        """ACU; only Aurora has it."""
        self.volume = cloudwatch.MathExpression(
            expression=f"bytes / {_GIB}",
            label="storage (GiB)",
            period=Duration.hours(1),
            using_metrics={"bytes": self._metric("VolumeBytesUsed", "Maximum")},
        )
        """GiB; only Aurora has it."""
        self.free_storage = self._metric("FreeStorageSpace", "Minimum")
        """Bytes; only RDS has it."""

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
    def connection_alarm_threshold(self) -> int:
        """Number of open connections at which an alarm is raised."""
        if not self.serverless:
            return _ALARM_CONNECTIONS_RDS
        connections = int(_ALARM_CONNECTIONS_PER_ACU * self.size.max_acu)
        if self.size.min_acu <= 0.5:
            return min(connections, _ALARM_CONNECTIONS_SMALL_MINIMUM)
        return connections


def watch_database(
    scope: Construct, *, operations: Operations, metrics: DatabaseMetrics
) -> list[Alarm]:
    """Create the alarms on load, capacity, connections and storage."""

    def alarm(name: str, **options: Any) -> Alarm:
        return Alarm(scope, f"Database{name}", operations=operations, **options)

    alarms = [
        alarm(
            "Busy",
            metric=metrics.cpu,
            threshold=_CPU_ALARM_PERCENT,
            periods=3,
            description=f"Database: CPU usage was {_CPU_ALARM_PERCENT} percent or more for 15 "
            "minutes. Find the statement that causes it in Performance Insights, or raise the "
            "capacity.",
        ),
        alarm(
            "Connections",
            metric=metrics.connections,
            threshold=metrics.connection_alarm_threshold,
            severity=Severity.CRITICAL,
            periods=2,
            description=f"Database: {metrics.connection_alarm_threshold} or more connections are "
            "open, about 80 percent of the limit. Reduce the workers of a function, or raise the "
            "capacity.",
        ),
    ]
    storage_alarms = _aurora_alarms if metrics.serverless else _disk_alarms
    return [*alarms, *storage_alarms(alarm, metrics)]


def _aurora_alarms(alarm: Any, metrics: DatabaseMetrics) -> list[Alarm]:
    max_acu = metrics.size.max_acu
    return [
        alarm(
            "Capacity",
            metric=metrics.capacity,
            threshold=_CAPACITY_ALARM_SHARE * max_acu,
            periods=3,
            description=f"Database: it used {_CAPACITY_ALARM_SHARE:.0%} or more of its maximum "
            f"capacity of {max_acu} ACU for 15 minutes. Raise max_acu in cdk/environments.py.",
        ),
        alarm(
            "Volume",
            metric=metrics.volume,
            threshold=_VOLUME_ALARM_GIB,
            missing=cloudwatch.TreatMissingData.IGNORE,  # the metric has no value in many hours
            description=f"Database: it stores {_VOLUME_ALARM_GIB} GiB or more. The volume grows "
            "automatically, but every GiB costs money. Delete the analyses of old model versions.",
        ),
    ]


def _disk_alarms(alarm: Any, metrics: DatabaseMetrics) -> list[Alarm]:
    min_free_gib = metrics.size.storage_gib // 10
    return [
        alarm(
            "Disk",
            metric=metrics.free_storage,
            threshold=min_free_gib * _GIB,
            severity=Severity.CRITICAL,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
            periods=3,
            description=f"Database: {min_free_gib} GiB or less of the disk are free. The disk "
            "grows automatically up to four times its initial size; beyond that, raise storage_gib "
            "in cdk/environments.py.",
        )
    ]
