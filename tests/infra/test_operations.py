"""docs/operations.md agrees with the templates: alarms, counts in the cost table, limits."""

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
    }


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


@pytest.mark.parametrize(
    "title",
    [
        *("A million requests of /analyze", "A million pictures", "A million reviews"),
        "A million pictures of reviews",
        "A training",
    ],
)
def test_usage_costs_add_up(title):
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in section(title).splitlines()
        if line.startswith("|") and "---" not in line
    ][1:]
    *parts, total = rows
    assert f"**{sum(float(row[-1]) for row in parts):.2f}**" == total[-1]


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
