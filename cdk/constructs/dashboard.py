"""The dashboard of an environment: what is asked, how it goes, what it costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk.constructs.database_alarms import DatabaseMetrics
from cdk.constructs.drift import Drift
from cdk.constructs.gateway import Gateway
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WorkQueue

_WIDTH = 12
_MINUTES = Duration.minutes(5)
_COST = """### What costs
- database: 0.12 USD for each ACU-hour (at 0 ACU: storage alone), 0.10 USD a GiB-month
- functions: 0.0000167 USD for each GB-second; a process that is kept warm costs a quarter of that \
all the time
- the network: about 7 USD a month for each endpoint in each zone
- API: 3.50 USD for a million requests; firewall: 9 USD a month and 0.60 USD for a million

us-east-1 prices; docs/operations.md has the arithmetic. The budget's alarm counts all of it."""


class Dashboard(Construct):
    """One page, from the caller's side down to the database."""

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
        """Draw it.

        Args:
            scope: where it belongs.
            construct_id: its id there.
            operations: gives its name.
            gateway: the API.
            functions: every function by its name.
            memory_mb: memory of each, for what it costs.
            queues: every queue of work by its name.
            database: its metrics.
            drift: what the model made of new reviews.
            serving_logs: log groups of what answers from model and index.
            alarms: those whose state is shown at the top.
        """
        super().__init__(scope, construct_id)
        board = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=operations.environment.stage_name,
            default_interval=Duration.hours(12),
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=4)
        )
        board.add_widgets(*_traffic(gateway))
        board.add_widgets(*_functions(functions))
        board.add_widgets(*_queues(queues))
        board.add_widgets(*_database(database))
        board.add_widgets(*_model(drift, serving_logs))
        board.add_widgets(*_costs(functions, memory_mb))


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], **more: Any) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDTH, **more)


def _traffic(gateway: Gateway) -> list[cloudwatch.IWidget]:
    def count(name: str) -> cloudwatch.Metric:
        return gateway.metric(name, statistic="Sum", period=_MINUTES, label=name)

    latencies = [
        gateway.metric("Latency", statistic=p, period=_MINUTES, label=p) for p in ("p50", "p99")
    ]
    return [
        _graph("API: requests and errors", [count(n) for n in ("Count", "4XXError", "5XXError")]),
        _graph("API: latency (ms)", latencies),
    ]


def _functions(functions: Mapping[str, lambda_.IFunction]) -> list[cloudwatch.IWidget]:
    sums: dict[str, Any] = {"period": _MINUTES, "statistic": "Sum"}
    errors = [f.metric_errors(label=f"{name} errors", **sums) for name, f in functions.items()]
    refused = [
        f.metric_throttles(label=f"{name} throttled", **sums) for name, f in functions.items()
    ]
    slow = [
        f.metric_duration(label=f"{name} {p}", period=_MINUTES, statistic=p)
        for name, f in functions.items()
        for p in ("p50", "p99")
    ]
    return [
        _graph("Functions: errors and throttles", [*errors, *refused]),
        _graph("Functions: duration (ms)", slow),
    ]


def _queues(queues: Mapping[str, WorkQueue]) -> list[cloudwatch.IWidget]:
    def depth(queue: WorkQueue, label: str, *, dead: bool = False) -> cloudwatch.IMetric:
        at = queue.dead_letters if dead else queue.queue
        return at.metric_approximate_number_of_messages_visible(
            period=_MINUTES, statistic="Maximum", label=label
        )

    waiting = [depth(queue, name) for name, queue in queues.items()]
    dead = [depth(queue, f"{name} dead letters", dead=True) for name, queue in queues.items()]
    age = [
        queue.queue.metric_approximate_age_of_oldest_message(
            period=_MINUTES, statistic="Maximum", label=name
        )
        for name, queue in queues.items()
    ]
    return [
        _graph("Queues: messages that wait, and dead letters", waiting, right=dead),
        _graph("Queues: age of the oldest message (s)", age),
    ]


def _database(database: DatabaseMetrics) -> list[cloudwatch.IWidget]:
    size = database.capacity if database.serverless else database.free
    return [
        _graph("Database: CPU (%) and connections", [database.cpu], right=[database.connections]),
        _graph("Database: capacity (ACU) or free bytes", [size]),
    ]


def _model(drift: Drift, serving_logs: Sequence[str]) -> list[cloudwatch.IWidget]:
    swaps = cloudwatch.LogQueryWidget(
        title="Model and index: what serves, since when, and what was refused",
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
        swaps,
    ]


def _costs(
    functions: Mapping[str, lambda_.IFunction], memory_mb: Mapping[str, int]
) -> list[cloudwatch.IWidget]:
    used = [
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
        _graph("Functions: GB-seconds of an hour", used, stacked=True),
        cloudwatch.TextWidget(markdown=_COST, width=_WIDTH, height=6),
    ]
