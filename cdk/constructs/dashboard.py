"""The dashboard of an environment: traffic, functions, queues, database, model and costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.constructs.database_alarms import DatabaseMetrics
from cdk.constructs.drift import Drift
from cdk.constructs.gateway import Gateway
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WorkQueue

_WIDTH = 12
_PERIOD = Duration.minutes(5)
_COST_NOTES = """### Costs
- database: 0.12 USD for each ACU-hour (at 0 ACU: storage alone), 0.10 USD a GiB-month
- functions: 0.0000167 USD for each GB-second; a process that is kept warm costs a quarter of that \
permanently
- the network: about 7 USD a month for each endpoint in each zone
- API: 3.50 USD for a million requests; firewall: 9 USD a month and 0.60 USD for a million

us-east-1 prices; docs/operations.md has the calculation. The budget alarm covers all of it."""


class Dashboard(Construct):
    """One dashboard, from the API down to the database."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        gateway: Gateway,
        functions: Mapping[str, lambda_.IFunction],
        memory_mb: Mapping[str, int],
        queues: Mapping[str, WorkQueue],
        database: DatabaseMetrics,
        drift: Drift,
        serving_logs: Sequence[str],
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        """Create the dashboard.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            operations: provides the dashboard's name.
            gateway: the API.
            functions: all functions by name.
            memory_mb: memory of each function, for the cost graph.
            queues: all work queues by name.
            database: metrics of the database.
            drift: metrics of the model's results for new reviews.
            serving_logs: log groups of the functions that serve the model and the index.
            alarms: alarms whose state is shown at the top.
        """
        super().__init__(scope, construct_id)
        dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=operations.environment.stage_name,
            default_interval=Duration.hours(12),
        )
        dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=4)
        )
        dashboard.add_widgets(*_traffic_widgets(gateway))
        dashboard.add_widgets(*_function_widgets(functions))
        dashboard.add_widgets(*_queue_widgets(queues))
        dashboard.add_widgets(*_database_widgets(database))
        dashboard.add_widgets(*_model_widgets(drift, serving_logs))
        dashboard.add_widgets(*_cost_widgets(functions, memory_mb))


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], **options: Any) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDTH, **options)


def _traffic_widgets(gateway: Gateway) -> list[cloudwatch.IWidget]:
    def count(name: str) -> cloudwatch.Metric:
        return gateway.metric(name, statistic="Sum", period=_PERIOD, label=name)

    latencies = [
        gateway.metric("Latency", statistic=p, period=_PERIOD, label=p) for p in ("p50", "p99")
    ]
    return [
        _graph("API: requests and errors", [count(n) for n in ("Count", "4XXError", "5XXError")]),
        _graph("API: latency (ms)", latencies),
    ]


def _function_widgets(functions: Mapping[str, lambda_.IFunction]) -> list[cloudwatch.IWidget]:
    total: dict[str, Any] = {"period": _PERIOD, "statistic": "Sum"}
    errors = [f.metric_errors(label=f"{name} errors", **total) for name, f in functions.items()]
    throttles = [
        f.metric_throttles(label=f"{name} throttled", **total) for name, f in functions.items()
    ]
    durations = [
        f.metric_duration(label=f"{name} {p}", period=_PERIOD, statistic=p)
        for name, f in functions.items()
        for p in ("p50", "p99")
    ]
    return [
        _graph("Functions: errors and throttles", [*errors, *throttles]),
        _graph("Functions: duration (ms)", durations),
    ]


def _queue_widgets(queues: Mapping[str, WorkQueue]) -> list[cloudwatch.IWidget]:
    def depth(queue: sqs.IQueue, label: str) -> cloudwatch.IMetric:
        return queue.metric_approximate_number_of_messages_visible(
            period=_PERIOD, statistic="Maximum", label=label
        )

    waiting = [depth(work.queue, name) for name, work in queues.items()]
    dead = [depth(work.dead_letters, f"{name} dead letters") for name, work in queues.items()]
    ages = [
        work.queue.metric_approximate_age_of_oldest_message(
            period=_PERIOD, statistic="Maximum", label=name
        )
        for name, work in queues.items()
    ]
    return [
        _graph("Queues: waiting messages and dead letters", waiting, right=dead),
        _graph("Queues: age of the oldest message (s)", ages),
    ]


def _database_widgets(database: DatabaseMetrics) -> list[cloudwatch.IWidget]:
    size = database.capacity if database.serverless else database.free_storage
    return [
        _graph("Database: CPU (%) and connections", [database.cpu], right=[database.connections]),
        _graph("Database: capacity (ACU) or free bytes", [size]),
    ]


def _model_widgets(drift: Drift, serving_logs: Sequence[str]) -> list[cloudwatch.IWidget]:
    versions = cloudwatch.LogQueryWidget(
        title="Model and index: versions loaded and rejected",
        log_group_names=list(serving_logs),
        width=_WIDTH,
        query_lines=[
            "fields @timestamp, service, level, message",
            'filter logger = "shared.serving.snapshots"',
            "sort @timestamp desc",
            "limit 20",
        ],
    )
    return [
        _graph("Model: sentiments of new reviews", drift.shares, right=[drift.confidence]),
        versions,
    ]


def _cost_widgets(
    functions: Mapping[str, lambda_.IFunction], memory_mb: Mapping[str, int]
) -> list[cloudwatch.IWidget]:
    gb_seconds = [
        cloudwatch.MathExpression(
            expression=f"ms{number} / 1000 * {memory_mb[name] / 1024}",
            label=name,
            period=Duration.hours(1),
            using_metrics={
                f"ms{number}": function.metric_duration(period=Duration.hours(1), statistic="Sum")
            },
        )
        for number, (name, function) in enumerate(functions.items())
    ]
    return [
        _graph("Functions: GB-seconds per hour", gb_seconds, stacked=True),
        cloudwatch.TextWidget(markdown=_COST_NOTES, width=_WIDTH, height=6),
    ]
