"""docs/operations.md agrees with the templates: alarms, counts in the cost table, limits."""

import json
import re

import pytest

from cdk.environments import ENVIRONMENTS
from cdk.paths import ROOT
from tests.infra.templates import Assembly

pytestmark = pytest.mark.timeout(600)
PAGE = (ROOT / "docs" / "operations.md").read_text()


def section(title: str) -> str:
    return re.split(r"(?m)^#{2,3} ", PAGE.split(f"# {title}\n")[1])[0]


def test_the_page_documents_exactly_the_alarms_of_the_templates(assembly: Assembly):
    documented = set(
        re.findall(
            r"`(\w+)`",
            "".join(
                line.split("|")[1]
                for line in section("Alarms").splitlines()
                if line.startswith("| `")
            ),
        )
    )
    existing = {alarm.name[:-8] for alarm in assembly.all("AWS::CloudWatch::Alarm")}
    assert documented == existing


def test_each_alarm_is_documented_with_its_stack(assembly: Assembly):
    rows = [line.split("|")[1:3] for line in section("Alarms").splitlines() if "| `" in line]
    for alarm in assembly.all("AWS::CloudWatch::Alarm"):
        (stacks,) = (stacks for names, stacks in rows if f"`{alarm.name[:-8]}`" in names)
        assert alarm.stack.name.split("-", 2)[2] in stacks, alarm.name


def test_each_alarm_is_documented_with_its_severity(assembly: Assembly):
    rows = [line.split("|")[1:5] for line in section("Alarms").splitlines() if "| `" in line]
    for alarm in assembly.all("AWS::CloudWatch::Alarm"):
        (severity,) = (row[2].strip() for row in rows if f"`{alarm.name[:-8]}`" in row[0])
        assert severity in ("critical", "warning"), alarm.name
        description = alarm.properties["AlarmDescription"]
        assert description.startswith(f"{severity}: "), alarm.name


MINUTES = 730 * 60
"""In a month."""


def fixed_costs() -> dict[str, list[str]]:
    rows = (
        line.strip("| ").split(" | ")
        for line in section("Fixed, each month").splitlines()
        if line.startswith("|")
    )
    return {cells[0]: cells[1:] for cells in rows}


def test_the_fixed_costs_add_up():
    sums = [0.0, 0.0, 0.0]
    for name, cells in fixed_costs().items():
        for column, cell in enumerate(cells):
            if match := re.fullmatch(r"([\d.]+) × ([\d.]+) = ([\d.]+)", cell):
                count, price, product = map(float, match.groups())
                assert round(count * price, 2) == product, name
                sums[column] += product
    assert [f"**{value:.2f}**" for value in sums] == fixed_costs()["**sum**"]


def test_budgets_are_those_of_the_environments_and_above_the_fixed_costs():
    budgets = [int(cell) for cell in fixed_costs()["alarm budget"]]
    assert budgets == [environment.budget_usd for environment in ENVIRONMENTS.values()]
    sums = [float(cell.strip("*")) for cell in fixed_costs()["**sum**"]]
    assert all(costs < budget for costs, budget in zip(sums, budgets, strict=True))


def billed_metrics(alarm) -> int:
    """The number of metrics that an alarm is billed for; an anomaly band adds two."""
    parts = alarm.properties.get("Metrics", [])
    count = sum("MetricStat" in part for part in parts) or 1
    return count + (2 if "ThresholdMetricId" in alarm.properties else 0)


def counts(assembly: Assembly, environment: str) -> dict[str, float]:
    """Row of the fixed costs → the count in the templates."""

    def resources(kind):
        return [r for r in assembly.all(kind) if r.stack.environment == environment]

    endpoints = [
        endpoint
        for endpoint in resources("AWS::EC2::VPCEndpoint")
        if endpoint.properties["VpcEndpointType"] == "Interface"
    ]
    zones = sum(len(endpoint.properties["SubnetIds"]) for endpoint in endpoints)
    acls = resources("AWS::WAFv2::WebACL")
    return {
        "interface endpoints, services × zones": zones,
        "KMS keys": len(resources("AWS::KMS::Key")),
        "secrets": len(resources("AWS::SecretsManager::Secret")),
        "web ACL": len(acls),
        "rules of the web ACL": sum(len(acl.properties["Rules"]) for acl in acls),
        "metrics of alarms": sum(map(billed_metrics, resources("AWS::CloudWatch::Alarm"))),
        "dashboards": len(resources("AWS::CloudWatch::Dashboard")),
        "log metrics": len(resources("AWS::Logs::MetricFilter")),
        "RDS Proxy, 8 ACU": len(resources("AWS::RDS::DBProxy")),
        "NAT gateways": len(resources("AWS::EC2::NatGateway")),
        # five connections, each asks three times a minute
        "polls of queues, millions": round(
            len(resources("AWS::Lambda::EventSourceMapping")) * 5 * 3 * MINUTES / 1e6, 3
        ),
        "sweeps and checks, thousands": round(
            sum(MINUTES / minutes_of(rule) for rule in resources("AWS::Events::Rule")) / 1000, 3
        ),
    }


def minutes_of(rule) -> float:
    """Minutes between two starts of a scheduled rule; endless for one that waits for an event."""
    match = re.fullmatch(
        r"rate\((\d+) (minute|hour)s?\)", rule.properties.get("ScheduleExpression", "")
    )
    return int(match[1]) * (60 if match[2] == "hour" else 1) if match else float("inf")


def test_the_counts_of_the_fixed_costs_match_the_templates(assembly: Assembly):
    for column, environment in enumerate(ENVIRONMENTS):
        for name, count in counts(assembly, environment).items():
            cell = fixed_costs()[name][column]
            assert float(cell.split(" × ")[0]) == count, (environment, name)


def test_the_idle_cost_of_the_database_matches_the_environments():
    cells = fixed_costs()["Aurora, idle ACU hours"]
    for cell, environment in zip(cells, ENVIRONMENTS.values(), strict=True):
        size = environment.database
        if size.min_acu:
            hours, price = map(float, cell.split(" = ")[0].split(" × "))
            assert hours * price == pytest.approx(730 * (1 + size.readers) * size.min_acu * 0.12)


def test_provisioned_concurrency_matches_the_environments():
    cells = fixed_costs()["provisioned concurrency"]
    for cell, environment in zip(cells, ENVIRONMENTS.values(), strict=True):
        assert int(cell.split(" × ")[0]) == environment.provisioned_concurrency


USAGE = [
    *("A million requests of /analyze", "A million pictures", "A million reviews"),
    "A million pictures of reviews",
    "A training",
]
OTHER_ROUTES = "A million requests of other routes"
GB_SECOND = 0.0000166667
"""Price of Lambda."""


def usage_rows(title: str) -> list[list[str]]:
    """The cells of the rows of a table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines[2:]]


def numbers(text: str) -> list[float]:
    return [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


@pytest.mark.parametrize("title", USAGE)
def test_usage_costs_add_up(title):
    *parts, total = usage_rows(title)
    assert f"**{sum(float(row[-1]) for row in parts):.2f}**" == total[-1]


@pytest.mark.parametrize("title", USAGE)
def test_each_usage_cost_is_its_product(title):
    for _, arithmetic, usd in usage_rows(title)[:-1]:
        cost = 0.0
        for product in arithmetic.split(" + "):
            amount, price = numbers(product)
            cost += amount * (1e6 if " M ×" in product and price < 0.01 else 1) * price
        # a price of SQS, Lambda or X-Ray is for a million already
        assert cost == pytest.approx(float(usd), abs=0.0051), arithmetic


def test_the_costs_of_other_routes_are_those_of_their_functions(assembly: Assembly):
    of_analyze = dict(row[::2] for row in usage_rows("A million requests of /analyze"))
    common = sum(
        float(usd)
        for name, usd in of_analyze.items()
        if not name.startswith(("Lambda, 50 ms", "data out", "**"))
    )
    assert f"cost {common:.2f}, as above" in section(OTHER_ROUTES)
    api = assembly.one("prod", "api")
    memory = {
        function.name.partition("Service")[0].lower(): function.properties["MemorySize"] / 1024
        for function in api.all("AWS::Lambda::Function")
    }
    for routes, function, time, out, usd in usage_rows(OTHER_ROUTES):
        milliseconds, size, compute = numbers(time)
        assert size == memory[function], routes
        assert round(milliseconds * 1000 * size * GB_SECOND, 2) == compute, routes
        kilobytes, sent = numbers(out)
        assert round(kilobytes * 0.09, 2) == sent, routes
        assert float(usd) == round(common + compute + sent, 2), routes


def test_every_route_has_its_cost():
    priced = set()
    for row in usage_rows(OTHER_ROUTES):
        method = ""
        for part in re.findall(r"`([^`]+)`", row[0]):
            *named, path = part.split()
            method = named[0] if named else method
            priced.add((method, path, row[1]))
    routes = {
        (method.upper(), path, operation["tags"][0])
        for path, operations in json.loads((ROOT / "docs/openapi.json").read_text())[
            "paths"
        ].items()
        for method, operation in operations.items()
    } - {("POST", "/analyze", "inference")}
    health = {("GET", "/health", "health"), ("GET", "/health/{service}", "health")}
    assert health <= routes
    assert priced == {*(routes - health), *((*route[:2], "inference") for route in health)}


def test_the_page_has_the_backup_days_of_each_environment():
    days = [environment.database.backup_days for environment in ENVIRONMENTS.values()]
    pattern = r"Backups are kept for (\d+) day in dev, (\d+) in staging and (\d+) in"
    match = re.search(pattern, PAGE)
    assert match is not None
    assert [int(number) for number in match.groups()] == days


def test_the_page_has_the_reserved_concurrency_of_each_environment(assembly: Assembly):
    reserved = {
        name: sum(
            function.properties.get("ReservedConcurrentExecutions", 0)
            for function in assembly.all("AWS::Lambda::Function")
            if function.stack.environment == name
        )
        for name in ("dev", "staging", "prod")
    }
    text = "dev reserves {dev}, staging {staging}, production {prod}; in one account a total of"
    assert f"{text.format(**reserved)} {sum(reserved.values())}" in PAGE
