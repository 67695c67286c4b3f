"""PostgreSQL of both kinds: encryption, backups, IAM connections, migration before use."""

import json
from dataclasses import replace

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from cdk.app import feature_flags
from cdk.constructs.postgres import OWNER
from cdk.environments import PROD, DatabaseSize
from cdk.stage import ReviewlensStage
from lambdas.migrations.settings import newest_revision
from shared.settings.base import APP_USER
from tests.infra.linting import lint
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


def _assert_no_password(database: Resource) -> None:
    """Its owner connects with IAM from the start."""
    properties = database.properties
    assert properties["EnableIAMDatabaseAuthentication"] is True
    assert properties["MasterUsername"] == OWNER
    assert properties["MasterUserAuthenticationType"] == "iam-db-auth"
    # RDS accepts neither beside it
    assert not {"MasterUserPassword", "ManageMasterUserPassword"} & properties.keys()


def test_clusters_are_encrypted_and_accept_iam_tokens(assembly: Assembly):
    clusters = assembly.all("AWS::RDS::DBCluster")
    assert len(clusters) == 3
    for cluster in clusters:
        assert cluster.properties["StorageEncrypted"] is True
        assert cluster.properties["KmsKeyId"]
        _assert_no_password(cluster)
        assert cluster.properties["EnableCloudwatchLogsExports"] == ["postgresql"]
        assert cluster.properties["PerformanceInsightsEnabled"] is True


def test_no_instance_is_public(assembly: Assembly):
    instances = assembly.all("AWS::RDS::DBInstance")
    assert len(instances) == 4
    assert {instance.properties["PubliclyAccessible"] for instance in instances} == {False}


def test_production_is_protected_and_has_backups_for_five_weeks(assembly: Assembly):
    cluster = _cluster(assembly, "prod")
    assert cluster.properties["DeletionProtection"] is True
    assert cluster.properties["BackupRetentionPeriod"] == 35
    assert cluster.definition["DeletionPolicy"] == "Snapshot"
    assert len(cluster.stack.all("AWS::RDS::DBInstance")) == 2


def test_the_development_cluster_pauses_when_it_is_idle(assembly: Assembly):
    cluster = _cluster(assembly, "dev")
    scaling = cluster.properties["ServerlessV2ScalingConfiguration"]
    assert scaling["MinCapacity"] == 0
    assert scaling["SecondsUntilAutoPause"] == 600
    # a proxy keeps connections open, and a cluster with a connection does not pause
    assert not cluster.stack.all("AWS::RDS::DBProxy")
    (group,) = cluster.stack.all("AWS::RDS::DBClusterParameterGroup")
    idle_seconds = int(group.properties["Parameters"]["idle_session_timeout"]) / 1000
    # a worker may hold a lock by an idle connection until its timeout
    assert idle_seconds > 900
    # and the sweep, which wakes the cluster, is rare
    (sweep,) = assembly.one("dev", "collection").all("AWS::Events::Rule")
    assert sweep.properties["ScheduleExpression"] == "rate(6 hours)"


def test_functions_wait_for_a_paused_cluster_to_wake_up(assembly: Assembly):
    def waits(environment: str, stack: str) -> set[str | None]:
        functions = assembly.one(environment, stack).all("AWS::Lambda::Function")
        environments = [f.properties.get("Environment", {}).get("Variables", {}) for f in functions]
        return {
            variables.get("REVIEWLENS_DATABASE_WAIT_SECONDS")
            for variables in environments
            if "REVIEWLENS_DATABASE_HOST" in variables
        }

    # it takes about 15 s; a request has 28 s, and a failed message is hidden for 90 minutes
    assert waits("dev", "api") == {"20"}
    for stack in ("collection", "processing", "training"):
        assert waits("dev", stack) == waits("prod", stack) == {"60"}
    # a cluster that never pauses and does not respond is down, which callers learn quickly
    assert waits("prod", "api") == {None}


def test_a_pausing_cluster_behind_a_proxy_is_rejected():
    with pytest.raises(ValueError, match="min_acu is 0, but a cluster behind a proxy"):
        DatabaseSize(min_acu=0, proxy=True)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_proxy_requires_tls_and_iam_and_has_no_password(assembly: Assembly, environment: str):
    (proxy,) = assembly.one(environment, "database").all("AWS::RDS::DBProxy")
    assert proxy.properties["RequireTLS"] is True
    assert proxy.properties["DefaultAuthScheme"] == "IAM_AUTH"
    assert not proxy.properties.get("Auth")
    assert proxy.properties["IdleClientTimeout"] > 900


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_functions_connect_as_a_user_that_owns_nothing(assembly: Assembly, environment: str):
    resources = [
        statement["Resource"]
        for stack in ("collection", "processing")
        for policy in assembly.one(environment, stack).all("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Action"] == "rds-db:connect"
    ]
    # collection, processing, the check of stored objects, and a new model
    assert len(resources) == 4
    for resource in resources:
        parts = resource["Fn::Join"][1]
        assert ":dbuser:" in parts[-3]
        assert parts[-1] == f"/{APP_USER}"


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_migrations_connect_to_the_database_itself_as_its_owner(assembly: Assembly, environment):
    stack = assembly.one(environment, "database")
    (function,) = [
        each for each in stack.all("AWS::Lambda::Function") if each.name.startswith("Migrations")
    ]
    variables = function.properties["Environment"]["Variables"]
    assert variables["REVIEWLENS_DATABASE_USER"] == OWNER
    assert assembly.target(stack, variables["REVIEWLENS_DATABASE_HOST"])[1].startswith("Cluster")
    users = [
        statement["Resource"]["Fn::Join"][1][-1]
        for policy in stack.all("AWS::IAM::Policy")
        if policy.name.startswith("Migrations")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Action"] == "rds-db:connect"
    ]
    assert users == [f"/{OWNER}"]


def test_the_schema_is_migrated_after_the_database_and_before_the_proxy(
    assembly: Assembly,
):
    stack = assembly.one("prod", "database")
    (schema,) = stack.all("Custom::Schema")
    assert schema.properties["revision"] == newest_revision()
    dependencies = schema.definition["DependsOn"]
    assert _cluster(assembly, "prod").name in dependencies
    assert any(name.startswith("ClusterWriter") for name in dependencies)
    (proxy,) = stack.all("AWS::RDS::DBProxy")
    assert schema.name in proxy.definition["DependsOn"]


def test_no_security_group_rule_is_repeated(assembly: Assembly, single: Assembly):
    for stack in (*assembly.templates, *single.templates):
        rules = [
            # without the port, which may be a number or a reference to the same port
            (str(rule["GroupId"]), str(rule["SourceSecurityGroupId"]), rule["IpProtocol"])
            for rule in (r.properties for r in stack.all("AWS::EC2::SecurityGroupIngress"))
        ]
        assert len(rules) == len(set(rules)), stack.name


def test_an_rds_instance_is_as_safe_as_a_cluster(single: Assembly):
    (instance,) = single.one("single", "database").all("AWS::RDS::DBInstance")
    properties = instance.properties
    assert properties["StorageEncrypted"] is True
    _assert_no_password(instance)
    assert properties["DeletionProtection"] is True
    assert properties["MultiAZ"] is True
    assert properties["PubliclyAccessible"] is False
    assert properties["BackupRetentionPeriod"] == 35
    (proxy,) = instance.stack.all("AWS::RDS::DBProxy")
    assert proxy.properties["RequireTLS"] is True


def test_templates_with_an_rds_instance_pass_all_checks(single: Assembly):
    stacks = ("database", "observability")
    assert lint(single.one("single", stack).path for stack in stacks) == []
    assert [report["violations"] for report in single.report["pluginReports"]] in ([], [[]])


def test_production_is_backed_up_every_night_and_copied_elsewhere(assembly: Assembly):
    template = assembly.one("prod", "database")
    (plan,) = template.all("AWS::Backup::BackupPlan")
    (rule,) = plan.properties["BackupPlan"]["BackupPlanRule"]
    (copy,) = rule["CopyActions"]
    parameter = template.body["Parameters"][copy["DestinationBackupVaultArn"]["Ref"]]
    assert parameter["Default"] == "/reviewlens/prod/backup-vault"
    assert rule["Lifecycle"] == {"DeleteAfterDays": PROD.database.backup_days}
    assert copy["Lifecycle"] == {"DeleteAfterDays": 90}
    (selection,) = template.all("AWS::Backup::BackupSelection")
    saved = [json.dumps(each) for each in selection.properties["BackupSelection"]["Resources"]]
    assert len(saved) == 3
    for part in (":cluster:", "GetAttRaw", "GetAttArtefacts"):
        assert any(part in each for each in saved)
    (role,) = (each for each in template.all("AWS::IAM::Role") if each.name.startswith("Backup"))
    policies = json.dumps(role.properties["ManagedPolicyArns"])
    for name in ("PolicyForBackup", "PolicyForS3Backup"):
        assert f"AWSBackupServiceRole{name}" in policies
    # otherwise the next deployment would turn off the events that AWS Backup follows
    storage = assembly.one("prod", "storage").all("AWS::S3::Bucket")
    for bucket in (each for each in storage if each.name.startswith(("Raw", "Artefacts"))):
        events = bucket.properties["NotificationConfiguration"]["EventBridgeConfiguration"]
        assert events == {"EventBridgeEnabled": True}
    (vault,) = template.all("AWS::Backup::BackupVault")
    assert vault.definition["DeletionPolicy"] == "Retain"
    assert "DataKey" in json.dumps(vault.properties["EncryptionKeyArn"])
    for name in ("dev", "staging"):
        assert not assembly.one(name, "database").all("AWS::Backup::BackupPlan")


def test_a_failed_backup_or_copy_raises_an_alarm(assembly: Assembly):
    template = assembly.one("prod", "database")
    (rule,) = template.all("AWS::Events::Rule")
    pattern = rule.properties["EventPattern"]
    assert pattern["source"] == ["aws.backup"]
    assert pattern["detail-type"] == ["Backup Job State Change", "Copy Job State Change"]
    assert pattern["detail"] == {"state": ["ABORTED", "EXPIRED", "FAILED"]}
    (target,) = rule.properties["Targets"]
    assert assembly.target(template, target["Arn"])[1].startswith("FailedBackups")
