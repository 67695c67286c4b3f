"""What is watched: alarms, the dashboard, the group of slow and failed traces."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as stepfunctions
from aws_cdk import aws_xray as xray
from constructs import Construct

from cdk.constructs.alarm import Alarm
from cdk.constructs.dashboard import Dashboard
from cdk.constructs.database_alarms import DatabaseMetrics, watch_database
from cdk.constructs.drift import watch_drift
from cdk.constructs.function import ServiceFunction
from cdk.constructs.gateway import Gateway
from cdk.constructs.operations import Operations
from cdk.constructs.stage_options import STAGE
from cdk.stacks.api import ApiStack
from cdk.stacks.collection import CollectionStack
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import StorageStack

_MINUTES = Duration.minutes(5)
_WORKER_ERRORS = 3
_FAILED_PERCENT = 1
_FAILED_LEAST = 5
_P99_MS = 5_000
_SLOW_SECONDS = 2


class ObservabilityStack(Stack):
    """Alarms that queues (WorkQueue) and releases (HttpFunction) do not have already.

    Whatever has a log has a group with an end and a key (Operations.log_group).
    """

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
        }
        services = {name: made.service for name, made in api.functions.items()}
        everything = {**services, **workers}
        metrics = DatabaseMetrics(database.dimensions, operations.environment.database)
        drift = watch_drift(self, operations=operations, group=processing.processing.log_group)
        alarms = [
            *self._watch_api(api.gateway),
            *(self._watch_worker(name, made) for name, made in workers.items()),
            *(self._watch_throttles(name, made) for name, made in everything.items()),
            *watch_database(self, operations=operations, metrics=metrics),
            *(self._watch_machine(machine) for machine in state_machines),
        ]
        queues = {
            "dumps": storage.arrivals,
            "shards": processing.shards,
            "index builds": processing.indexing,
        }
        dead = [queue.dead_letter_alarm for queue in queues.values()]
        old = [queue.age_alarm for queue in queues.values()]
        releases = [alarm for made in api.functions.values() for alarm in made.alarms]
        Dashboard(
            self,
            "Page",
            operations=operations,
            gateway=api.gateway,
            functions={name: made.function for name, made in everything.items()},
            memory_mb={name: made.memory_mb for name, made in everything.items()},
            queues=queues,
            database=metrics,
            drift=drift,
            serving_logs=[
                services[name].log_group.log_group_name for name in ("inference", "retrieval")
            ],
            alarms=[*alarms, *releases, *dead, *old],
        )
        self._group_traces()

    def _watch_api(self, gateway: Gateway) -> list[Alarm]:
        count = {"period": _MINUTES, "statistic": "Sum"}
        share = cloudwatch.MathExpression(
            # a few failures of few requests are no share to speak of
            expression=f"IF(failed >= {_FAILED_LEAST}, 100 * failed / asked, 0)",
            label="failed requests (%)",
            period=_MINUTES,
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
                metric=share,
                threshold=_FAILED_PERCENT,
                periods=2,
                why=f"API: {_FAILED_PERCENT} percent of the requests or more were answered 5xx "
                "for 10 minutes. The access log says which route; 503 means that something a "
                "service needs is down, 504 that it took longer than 29 s.",
            ),
            Alarm(
                self,
                "ApiSlow",
                operations=self._operations,
                metric=gateway.metric("Latency", period=_MINUTES, statistic="p99"),
                threshold=_P99_MS,
                periods=3,
                why=f"API: the slowest percent of requests took {_P99_MS} ms or more for 15 "
                "minutes. Look at the traces; cold starts can be kept away by "
                "provisioned_concurrency in cdk/environments.py.",
            ),
        ]

    def _watch_worker(self, name: str, made: ServiceFunction) -> Alarm:
        return Alarm(
            self,
            f"Errors-{name.replace(' ', '-')}",
            operations=self._operations,
            metric=made.function.metric_errors(period=Duration.minutes(15), statistic="Sum"),
            threshold=_WORKER_ERRORS,
            why=f"{name}: {_WORKER_ERRORS} invocations or more crashed, or ran out of time or "
            "memory, within 15 minutes. Their messages come again. Read the function's log.",
        )

    def _watch_throttles(self, name: str, made: ServiceFunction) -> Alarm:
        return Alarm(
            self,
            f"Throttles-{name.replace(' ', '-')}",
            operations=self._operations,
            metric=made.function.metric_throttles(period=_MINUTES, statistic="Sum"),
            threshold=1,
            periods=2,
            out_of=3,
            why=f"{name}: invocations were refused, since as many as are reserved for it, or as "
            "the account may have, were running. Raise its workers in cdk/environments.py, or "
            "the account's concurrency.",
        )

    def _watch_machine(self, machine: stepfunctions.IStateMachine) -> Alarm:
        return Alarm(
            self,
            f"Failed-{machine.node.id}",
            operations=self._operations,
            metric=machine.metric_failed(period=_MINUTES, statistic="Sum"),
            threshold=1,
            why=f"{machine.node.id}: an execution failed. Open it in the Step Functions console; "
            "the state that failed names the cause. What was current before still serves.",
        )

    def _group_traces(self) -> None:
        name = self._operations.environment.stage_name
        xray.CfnGroup(
            self,
            "Traces",
            group_name=name,
            filter_expression=(
                f'service("{name}/{STAGE}") {{ fault OR responsetime > {_SLOW_SECONDS} }}'
            ),
            insights_configuration=xray.CfnGroup.InsightsConfigurationProperty(
                insights_enabled=False, notifications_enabled=False
            ),
        )
