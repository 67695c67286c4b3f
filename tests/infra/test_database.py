"""PostgreSQL in both kinds: encrypted, backed up, reached by IAM, migrated before it is used."""

from dataclasses import replace

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import ManualArgs, lint_file

from cdk.app import feature_flags
from cdk.environments import PROD, DatabaseSize
from cdk.stage import ReviewlensStage
from lambdas.migrations.settings import newest_revision
from shared.settings.base import APP_USER
from tests.infra.templates import Assembly, Resource, load

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def single(tmp_path_factory) -> Assembly:
    """Production on one RDS instance."""
    folder = tmp_path_factory.mktemp("single")
    app = App(outdir=str(folder), context=feature_flags(), analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    size = DatabaseSize(kind="rds", multi_az=True, proxy=True, backup_days=35)
    ReviewlensStage(app, environment=replace(PROD, name="single", database=size))
    app.synth()
    return load(folder)


def _cluster(assembly: Assembly, environment: str) -> Resource:
    (cluster,) = assembly.one(environment, "database").all("AWS::RDS::DBCluster")
    return cluster


def test_the_cluster_is_encrypted_and_takes_iam_tokens(assembly: Assembly):
    clusters = assembly.all("AWS::RDS::DBCluster")
    assert len(clusters) == 3
    for cluster in clusters:
        assert cluster.properties["StorageEncrypted"] is True
        assert cluster.properties["KmsKeyId"]
        assert cluster.properties["EnableIAMDatabaseAuthentication"] is True
        assert cluster.properties["EnableCloudwatchLogsExports"] == ["postgresql"]
        assert cluster.properties["PerformanceInsightsEnabled"] is True


def test_no_instance_is_public(assembly: Assembly):
    instances = assembly.all("AWS::RDS::DBInstance")
    assert len(instances) == 4
    assert {found.properties["PubliclyAccessible"] for found in instances} == {False}


def test_production_is_protected_and_can_be_restored_for_five_weeks(assembly: Assembly):
    cluster = _cluster(assembly, "prod")
    assert cluster.properties["DeletionProtection"] is True
    assert cluster.properties["BackupRetentionPeriod"] == 35
    assert cluster.definition["DeletionPolicy"] == "Snapshot"
    assert len(cluster.stack.all("AWS::RDS::DBInstance")) == 2


def test_development_sleeps_when_nobody_works(assembly: Assembly):
    cluster = _cluster(assembly, "dev")
    scaling = cluster.properties["ServerlessV2ScalingConfiguration"]
    assert scaling["MinCapacity"] == 0
    assert scaling["SecondsUntilAutoPause"] == 600
    # a proxy holds connections, and a cluster with a connection does not sleep
    assert not cluster.stack.all("AWS::RDS::DBProxy")
    (group,) = cluster.stack.all("AWS::RDS::DBClusterParameterGroup")
    idle_seconds = int(group.properties["Parameters"]["idle_session_timeout"]) / 1000
    # a worker holds its lock by an idle connection for as long as it may work
    assert idle_seconds > 900
    # and the sweep, which wakes it up, comes seldom
    (sweep,) = assembly.one("dev", "collection").all("AWS::Events::Rule")
    assert sweep.properties["ScheduleExpression"] == "rate(6 hours)"


def test_whoever_meets_a_sleeping_cluster_waits_until_it_is_awake(assembly: Assembly):
    def waits(environment: str, stack: str) -> set[str | None]:
        found = assembly.one(environment, stack).all("AWS::Lambda::Function")
        variables = [each.properties.get("Environment", {}).get("Variables", {}) for each in found]
        return {
            each.get("REVIEWLENS_DATABASE_WAIT_SECONDS")
            for each in variables
            if "REVIEWLENS_DATABASE_HOST" in each
        }

    # some 15 s; a request has 28 s, and a failed message waits for 90 minutes
    assert waits("dev", "api") == {"20"}
    for stack in ("collection", "processing", "training"):
        assert waits("dev", stack) == waits("prod", stack) == {"60"}
    # where nothing sleeps, no answer means an outage, of which a caller is told soon
    assert waits("prod", "api") == {None}


def test_a_sleeping_cluster_behind_a_proxy_is_refused():
    with pytest.raises(ValueError, match="min_acu is 0, but a cluster behind a proxy"):
        DatabaseSize(min_acu=0, proxy=True)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_proxy_asks_for_tls_and_iam_and_knows_no_password(assembly: Assembly, environment: str):
    (proxy,) = assembly.one(environment, "database").all("AWS::RDS::DBProxy")
    assert proxy.properties["RequireTLS"] is True
    assert proxy.properties["DefaultAuthScheme"] == "IAM_AUTH"
    assert not proxy.properties.get("Auth")
    assert proxy.properties["IdleClientTimeout"] > 900


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_functions_connect_as_a_user_that_owns_nothing(assembly: Assembly, environment: str):
    documents = [
        statement["Resource"]
        for stack in ("collection", "processing")
        for policy in assembly.one(environment, stack).all("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Action"] == "rds-db:connect"
    ]
    assert len(documents) == 2
    for resource in documents:
        parts = resource["Fn::Join"][1]
        assert ":dbuser:" in parts[-3]
        assert parts[-1] == f"/{APP_USER}"


def test_the_owners_password_rotates_by_itself_and_not_during_a_deployment(assembly: Assembly):
    for found in assembly.all("AWS::SecretsManager::RotationSchedule"):
        assert found.properties["RotationRules"]["ScheduleExpression"] == "rate(30 days)"
        assert found.properties["RotateImmediatelyOnUpdate"] is False
        assert found.properties["HostedRotationLambda"]["RotationType"] == "PostgreSQLSingleUser"


def test_the_schema_is_migrated_when_the_database_is_there_and_before_the_proxy(
    assembly: Assembly,
):
    stack = assembly.one("prod", "database")
    (schema,) = stack.all("Custom::Schema")
    assert schema.properties["revision"] == newest_revision()
    needed = schema.definition["DependsOn"]
    assert _cluster(assembly, "prod").name in needed
    assert any(name.startswith("ClusterWriter") for name in needed)
    (proxy,) = stack.all("AWS::RDS::DBProxy")
    assert schema.name in proxy.definition["DependsOn"]


def test_no_rule_of_a_security_group_is_there_twice(assembly: Assembly, single: Assembly):
    for stack in (*assembly.templates, *single.templates):
        rules = [
            # the endpoint's port is PostgreSQL's, spelled as a reference
            (str(said["GroupId"]), str(said["SourceSecurityGroupId"]), said["IpProtocol"])
            for said in (rule.properties for rule in stack.all("AWS::EC2::SecurityGroupIngress"))
        ]
        assert len(rules) == len(set(rules)), stack.name


def test_an_rds_instance_is_as_safe_as_a_cluster(single: Assembly):
    (instance,) = single.one("single", "database").all("AWS::RDS::DBInstance")
    said = instance.properties
    assert said["StorageEncrypted"] is True
    assert said["EnableIAMDatabaseAuthentication"] is True
    assert said["DeletionProtection"] is True
    assert said["MultiAZ"] is True
    assert said["PubliclyAccessible"] is False
    assert said["BackupRetentionPeriod"] == 35
    (proxy,) = instance.stack.all("AWS::RDS::DBProxy")
    assert proxy.properties["RequireTLS"] is True


def test_templates_of_an_rds_instance_are_found_in_order_as_well(single: Assembly):
    found = [
        match
        for stack in ("database", "observability")
        for match in lint_file(
            single.one("single", stack).path, config=ManualArgs(regions=["eu-central-1"])
        )
    ]
    assert not found, "\n".join(map(str, found))
    assert [report["violations"] for report in single.report["pluginReports"]] in ([], [[]])
