"""Observability: alarms, the dashboard, the group of slow and failed traces."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as stepfunctions
from aws_cdk import aws_xray as xray
from constructs import Construct

from cdk.constructs.alarm import Alarm, Severity
from cdk.constructs.damage import watch_damage
from cdk.constructs.dashboard import Dashboard
from cdk.constructs.database_alarms import DatabaseMetrics, watch_database
from cdk.constructs.drift import watch_drift
from cdk.constructs.failed_shards import watch_failed_shards
from cdk.constructs.function import ServiceFunction
from cdk.constructs.gateway import Gateway
from cdk.constructs.operations import Operations
from cdk.constructs.stage_options import STAGE
from cdk.stacks.api import ApiStack
from cdk.stacks.collection import CollectionStack
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import StorageStack

_PERIOD = Duration.minutes(5)
_WORKER_ERRORS_FOR_ALARM = 3
_FAILURE_ALARM_PERCENT = 1
_MIN_FAILURES = 5
"""Fewer failures in a period raise no alarm, however few the requests."""
_P99_ALARM_MS = 5_000
_SLOW_TRACE_SECONDS = 2


class ObservabilityStack(Stack):
    """Alarms in addition to those of queues (WorkQueue) and releases (HttpFunction)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        storage: StorageStack,
        database: DatabaseStack,
        processing: ProcessingStack,
        collection: CollectionStack,
        api: ApiStack,
        state_machines: Sequence[stepfunctions.IStateMachine] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._operations = operations
        workers = {
            "collection worker": collection.collection,
            "processing worker": processing.processing,
            "index builder": processing.builder,
            "checker": processing.checker,
            "scorer": processing.scorer,
            "image fetch": api.image_fetch,
            "picture worker": api.review_pictures,
        }
        services = {name: function.service for name, function in api.functions.items()}
        functions = {**services, **workers}
        metrics = DatabaseMetrics(database.dimensions, operations.environment.database)
        drift = watch_drift(self, operations=operations, group=processing.processing.log_group)
        alarms = [
            *self._api_alarms(api.gateway),
            *(self._error_alarm(name, function) for name, function in workers.items()),
            *(self._throttle_alarm(name, function) for name, function in functions.items()),
            *watch_database(self, operations=operations, metrics=metrics),
            watch_damage(self, operations=operations, group=processing.checker.log_group),
            watch_failed_shards(self, operations=operations, group=processing.processing.log_group),
            *(self._execution_alarm(machine) for machine in state_machines),
            self._stopped_build_alarm(processing.builder),
        ]
        queues = {
            "dumps": storage.arrivals,
            "shards": processing.shards,
            "index builds": processing.indexing,
            "pictures": processing.pictures,
        }
        dead_letters = [queue.dead_letter_alarm for queue in queues.values()]
        ages = [queue.age_alarm for queue in queues.values()]
        releases = [alarm for function in api.functions.values() for alarm in function.alarms]
        Dashboard(
            self,
            "Page",
            operations=operations,
            gateway=api.gateway,
            functions={name: service.function for name, service in functions.items()},
            memory_mb={name: service.memory_mb for name, service in functions.items()},
            queues=queues,
            database=metrics,
            drift=drift,
            serving_logs=[
                services[name].log_group.log_group_name for name in ("inference", "retrieval")
            ],
            alarms=[*alarms, *releases, *dead_letters, *ages],
        )
        self._create_trace_group()

    def _api_alarms(self, gateway: Gateway) -> list[Alarm]:
        count = {"period": _PERIOD, "statistic": "Sum"}
        failed_percent = cloudwatch.MathExpression(
            expression=f"IF(failed >= {_MIN_FAILURES}, 100 * failed / asked, 0)",
            label="failed requests (%)",
            period=_PERIOD,
            using_metrics={
                "failed": gateway.metric("5XXError", **count),
                "asked": gateway.metric("Count", **count),
            },
        )
        return [
            Alarm(
                self,
                "ApiFailing",
                operations=self._operations,
                metric=failed_percent,
                threshold=_FAILURE_ALARM_PERCENT,
                severity=Severity.CRITICAL,
                periods=2,
                description=f"API: {_FAILURE_ALARM_PERCENT} percent or more of the requests failed "
                "with 5xx for 10 minutes. The access log shows the route: 503 means that a "
                "dependency of the service is down, 504 that it took longer than 29 s.",
            ),
            Alarm(
                self,
                "ApiSlow",
                operations=self._operations,
                metric=gateway.metric("Latency", period=_PERIOD, statistic="p99"),
                threshold=_P99_ALARM_MS,
                periods=3,
                description=f"API: p99 latency was {_P99_ALARM_MS} ms or more for 15 minutes. "
                "Look at the traces; provisioned_concurrency in cdk/environments.py avoids cold "
                "starts.",
            ),
        ]

    def _error_alarm(self, name: str, function: ServiceFunction) -> Alarm:
        return Alarm(
            self,
            f"Errors-{name.replace(' ', '-')}",
            operations=self._operations,
            metric=function.function.metric_errors(period=Duration.minutes(15), statistic="Sum"),
            threshold=_WORKER_ERRORS_FOR_ALARM,
            description=f"{name}: {_WORKER_ERRORS_FOR_ALARM} or more invocations crashed, timed "
            "out or ran out of memory within 15 minutes. Messages of a queue are redelivered. Read "
            "the function's log.",
        )

    def _throttle_alarm(self, name: str, function: ServiceFunction) -> Alarm:
        return Alarm(
            self,
            f"Throttles-{name.replace(' ', '-')}",
            operations=self._operations,
            metric=function.function.metric_throttles(period=_PERIOD, statistic="Sum"),
            threshold=1,
            periods=2,
            out_of=3,
            description=f"{name}: invocations were throttled because its reserved concurrency, or "
            "that of the account, was used up. Raise its workers in cdk/environments.py, or the "
            "account's concurrency quota.",
        )

    def _execution_alarm(self, machine: stepfunctions.IStateMachine) -> Alarm:
        return Alarm(
            self,
            f"Failed-{machine.node.id}",
            operations=self._operations,
            metric=machine.metric_failed(period=_PERIOD, statistic="Sum"),
            threshold=1,
            description=f"{machine.node.id}: an execution failed. Open it in the Step Functions "
            "console; the failed state shows the cause. What was current still serves.",
        )

    def _stopped_build_alarm(self, builder: ServiceFunction) -> Alarm:
        """A build that stops at an unknown format is no failure: its message is done."""
        stopped = logs.MetricFilter(
            self,
            "StoppedBuilds",
            log_group=builder.log_group,
            filter_pattern=logs.FilterPattern.string_value(
                "$.message", "=", "the index build stopped*"
            ),
            metric_namespace=self._operations.environment.stage_name,
            metric_name="stopped-builds",
            metric_value="1",
        )
        return Alarm(
            self,
            "BuildStopped",
            operations=self._operations,
            metric=stopped.metric(period=_PERIOD, statistic="Sum"),
            threshold=1,
            description="Index builder: a build stopped and the current index stays. "
            "GET /health/retrieval gives the reason.",
        )

    def _create_trace_group(self) -> None:
        name = self._operations.environment.stage_name
        xray.CfnGroup(
            self,
            "Traces",
            group_name=name,
            filter_expression=(
                f'service("{name}/{STAGE}") {{ fault OR responsetime > {_SLOW_TRACE_SECONDS} }}'
            ),
            insights_configuration=xray.CfnGroup.InsightsConfigurationProperty(
                insights_enabled=False, notifications_enabled=False
            ),
        )
