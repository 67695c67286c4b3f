"""docs/operations.md says what the templates say: alarms, counts of the cost table, limits."""

import re
from pathlib import Path

import pytest

from cdk.environments import ENVIRONMENTS
from tests.infra.templates import Assembly

pytestmark = pytest.mark.timeout(600)
PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def section(title: str) -> str:
    return re.split(r"(?m)^#{2,3} ", PAGE.split(f"# {title}\n")[1])[0]


def test_every_alarm_is_explained_and_no_other(assembly: Assembly):
    explained = set(
        re.findall(
            r"`(\w+)`",
            "".join(
                line.split("|")[1]
                for line in section("Alarms").splitlines()
                if line.startswith("| `")
            ),
        )
    )
    there = {alarm.name[:-8] for alarm in assembly.all("AWS::CloudWatch::Alarm")}
    assert explained == there


def test_each_alarm_is_explained_with_its_stack(assembly: Assembly):
    rows = [line.split("|")[1:3] for line in section("Alarms").splitlines() if "| `" in line]
    for alarm in assembly.all("AWS::CloudWatch::Alarm"):
        (stacks,) = (where for names, where in rows if f"`{alarm.name[:-8]}`" in names)
        assert alarm.stack.name.split("-", 2)[2] in stacks, alarm.name


def table() -> dict[str, list[str]]:
    rows = (
        line.strip("| ").split(" | ")
        for line in section("Fixed, each month").splitlines()
        if line.startswith("|")
    )
    return {cells[0]: cells[1:] for cells in rows}


def test_the_arithmetic_of_the_fixed_costs_is_right():
    sums = [0.0, 0.0, 0.0]
    for name, cells in table().items():
        for column, cell in enumerate(cells):
            if found := re.fullmatch(r"([\d.]+) × ([\d.]+) = ([\d.]+)", cell):
                count, price, said = map(float, found.groups())
                assert round(count * price, 2) == said, name
                sums[column] += said
    assert [f"**{value:.2f}**" for value in sums] == table()["**sum**"]


def test_budgets_are_those_of_the_environments_and_above_the_fixed_costs():
    said = [int(cell) for cell in table()["budget that alarms"]]
    assert said == [environment.budget_usd for environment in ENVIRONMENTS.values()]
    fixed = [float(cell.strip("*")) for cell in table()["**sum**"]]
    assert all(less < more for less, more in zip(fixed, said, strict=True))


def metrics(alarm) -> int:
    """Metrics that an alarm is billed for; a band of an anomaly counts for two."""
    parts = alarm.properties.get("Metrics", [])
    found = sum("MetricStat" in part for part in parts) or 1
    return found + (2 if "ThresholdMetricId" in alarm.properties else 0)


def counts(assembly: Assembly, environment: str) -> dict[str, float]:
    def of(kind):
        return [found for found in assembly.all(kind) if found.stack.environment == environment]

    doors = [
        d for d in of("AWS::EC2::VPCEndpoint") if d.properties["VpcEndpointType"] == "Interface"
    ]
    acls = of("AWS::WAFv2::WebACL")
    return {
        "interface endpoints, services × zones": sum(len(d.properties["SubnetIds"]) for d in doors),
        "KMS keys": len(of("AWS::KMS::Key")),
        "secrets": len(of("AWS::SecretsManager::Secret")),
        "web ACL": len(acls),
        "rules of the web ACL": sum(len(acl.properties["Rules"]) for acl in acls),
        "metrics of alarms": sum(map(metrics, of("AWS::CloudWatch::Alarm"))),
        "dashboards": len(of("AWS::CloudWatch::Dashboard")),
        "log metrics": len(of("AWS::Logs::MetricFilter")),
        "RDS Proxy, 8 ACU": len(of("AWS::RDS::DBProxy")),
        "NAT gateways": len(of("AWS::EC2::NatGateway")),
    }


def test_what_is_counted_in_the_fixed_costs_is_in_the_templates(assembly: Assembly):
    for column, environment in enumerate(ENVIRONMENTS):
        for name, count in counts(assembly, environment).items():
            assert float(table()[name][column].split(" × ")[0]) == count, (environment, name)


def test_the_database_at_rest_is_what_the_environments_say():
    cells = table()["Aurora, ACU hours at rest"]
    for cell, environment in zip(cells, ENVIRONMENTS.values(), strict=True):
        size = environment.database
        if size.min_acu:
            hours, price = map(float, cell.split(" = ")[0].split(" × "))
            assert hours * price == pytest.approx(730 * (1 + size.readers) * size.min_acu * 0.12)


def test_provisioned_concurrency_is_that_of_the_environments():
    cells = table()["provisioned concurrency"]
    for cell, environment in zip(cells, ENVIRONMENTS.values(), strict=True):
        assert int(cell.split(" × ")[0]) == environment.provisioned_concurrency


@pytest.mark.parametrize(
    "title", ["A million requests of /analyze", "A million reviews", "A training"]
)
def test_sums_of_usage_are_those_of_their_rows(title):
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in section(title).splitlines()
        if line.startswith("|") and "---" not in line
    ][1:]
    *parts, total = rows
    assert f"**{sum(float(row[-1]) for row in parts):.2f}**" == total[-1]


def test_backups_reach_back_as_the_page_says():
    days = [environment.database.backup_days for environment in ENVIRONMENTS.values()]
    told = re.search(r"Backups reach back (\d+) day in dev, (\d+) in staging and (\d+) in", PAGE)
    assert told is not None
    assert [int(number) for number in told.groups()] == days


def test_the_page_says_how_much_concurrency_each_environment_reserves(assembly: Assembly):
    reserved = {
        name: sum(
            function.properties.get("ReservedConcurrentExecutions", 0)
            for function in assembly.all("AWS::Lambda::Function")
            if function.stack.environment == name
        )
        for name in ("dev", "staging", "prod")
    }
    told = "dev reserves {dev}, staging {staging}, production {prod}, in one account together"
    assert f"{told.format(**reserved)} {sum(reserved.values())}" in PAGE
