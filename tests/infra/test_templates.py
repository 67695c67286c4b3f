"""What holds for every stack of every environment, those to come as well."""

import re
from graphlib import TopologicalSorter

import pytest
from cfnlint.api import ManualArgs, lint_file

from cdk.environments import ENVIRONMENTS
from tests.infra.templates import Assembly, Resource, as_list, references, statements

pytestmark = pytest.mark.timeout(600)

NAMELESS = {
    # Lambda attaches and detaches network interfaces; EC2 knows no resource for these
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    # SageMaker does the same for a job in the VPC, and reads what it attaches to
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    # X-Ray and CloudWatch's own data have no resources
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "cloudwatch:PutMetricData",
    # a token opens a registry, not a repository
    "ecr:GetAuthorizationToken",
    # deliveries of logs are made for the account
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}


PIPELINES = {
    "cloudformation:DescribeStacks",
    "codebuild:BatchGetBuilds",
    "codebuild:StartBuild",
    "codebuild:StopBuild",
    "s3:ListBucket",
}
"""What CDK Pipelines itself gives the steps that update it and that publish assets."""


def _of_pipelines(found: Resource) -> set[str]:
    steps = ("DeliveryUpdatePipeline", "DeliveryAssets")
    ours = found.stack.name == "reviewlens-delivery" and found.name.startswith(steps)
    return PIPELINES if ours else set()


def _told(found: list[object]) -> str:
    return "\n".join(map(str, found))


def test_every_environment_has_every_stack_under_its_name(assembly: Assembly):
    by_environment = {
        name: {
            t.name.removeprefix(f"reviewlens-{name}-")
            for t in assembly.templates
            if t.environment == name
        }
        for name in ENVIRONMENTS
    }
    wanted = {"foundation", "network", "storage", "database", "processing", "collection"}
    assert wanted <= by_environment["dev"]
    assert by_environment["dev"] == by_environment["staging"] == by_environment["prod"]


def test_cdk_nag_finds_nothing_that_is_not_explained(assembly: Assembly):
    found = [
        (violation["ruleName"], violation["violatingConstructs"])
        for report in assembly.report["pluginReports"]
        for violation in report["violations"]
    ]
    assert not found, _told(found)


def test_cfn_lint_finds_neither_errors_nor_warnings(assembly: Assembly):
    found = [
        f"{template.name}: {match}"
        for template in assembly.templates
        for match in lint_file(template.path, config=ManualArgs(regions=["eu-central-1"]))
    ]
    assert not found, _told(found)


def test_stacks_do_not_wait_for_each_other_in_a_circle(assembly: Assembly):
    graph: dict[str, set[str]] = {}
    for template in assembly.templates:
        needed = {
            assembly.target(template, value)[0]
            for value in references(template.body["Resources"])
            if "Fn::ImportValue" in value
        }
        graph[template.name] = needed - {template.name}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("reviewlens-prod-storage") < order.index("reviewlens-prod-collection")


def test_no_policy_allows_an_action_by_wildcard(assembly: Assembly):
    found = [
        f"{statement.resource} {statement.actions}"
        for statement in statements(assembly)
        if statement.body["Effect"] == "Allow"
        and any("*" in action for action in statement.actions)
        # the account's administrators rule a key: AWS's own default, without which nobody could
        and statement.resource.definition["Type"] != "AWS::KMS::Key"
    ]
    assert not found, _told(found)
    assert sum(1 for _ in statements(assembly)) > 100


def test_a_wildcard_resource_stands_only_where_aws_knows_no_other(assembly: Assembly):
    roles = ("AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
    found = [
        f"{statement.resource} {sorted(unnamed)}"
        for statement in statements(assembly)
        if statement.body["Effect"] == "Allow"
        and statement.resource.definition["Type"] in roles
        and "*" in as_list(statement.body.get("Resource", []))
        and (unnamed := set(statement.actions) - NAMELESS - _of_pipelines(statement.resource))
    ]
    assert not found, _told(found)


def test_nobody_outside_is_let_in_without_a_condition(assembly: Assembly):
    found = [
        str(statement.resource)
        for statement in statements(assembly)
        if statement.body["Effect"] == "Allow"
        and statement.body.get("Principal") in ("*", {"AWS": "*"})
        and not statement.body.get("Condition")
    ]
    assert not found, _told(found)


def test_every_key_rotates(assembly: Assembly):
    keys = assembly.all("AWS::KMS::Key")
    assert keys
    assert [str(key) for key in keys if key.properties.get("EnableKeyRotation") is not True] == []


def test_every_bucket_is_encrypted_versioned_private_and_forgets_old_versions(assembly: Assembly):
    buckets = assembly.all("AWS::S3::Bucket")
    assert buckets
    for bucket in buckets:
        said = bucket.properties
        assert said["BucketEncryption"], str(bucket)
        assert said["VersioningConfiguration"] == {"Status": "Enabled"}, str(bucket)
        assert set(said["PublicAccessBlockConfiguration"].values()) == {True}, str(bucket)
        rules = said["LifecycleConfiguration"]["Rules"]
        assert any("NoncurrentVersionExpiration" in rule for rule in rules), str(bucket)
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), str(bucket)


def test_every_bucket_but_those_of_logs_says_who_read_it(assembly: Assembly):
    for bucket in assembly.all("AWS::S3::Bucket"):
        logs = bucket.properties.get("LoggingConfiguration")
        assert logs or "Logs" in bucket.name, str(bucket)


@pytest.mark.parametrize(
    ("kind", "policy", "names"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    ],
)
def test_nobody_gets_in_without_tls(assembly: Assembly, kind: str, policy: str, names: str):
    closed = {
        assembly.target(found.stack, value)
        for found in assembly.all(policy)
        for value in as_list(found.properties[names])
        if any(
            statement["Effect"] == "Deny"
            and statement["Condition"].get("Bool") == {"aws:SecureTransport": "false"}
            for statement in found.properties["PolicyDocument"]["Statement"]
        )
    }
    there = {(found.stack.name, found.name) for found in assembly.all(kind)}
    assert there
    assert there <= closed


def _queues(assembly: Assembly) -> tuple[list[Resource], set[tuple[str, str]]]:
    """The queues of work, and the dead-letter queues behind them."""
    dead = {
        assembly.target(queue.stack, queue.properties["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in assembly.all("AWS::SQS::Queue")
        if "RedrivePolicy" in queue.properties
    }
    dead |= {
        assembly.target(rule.stack, target["DeadLetterConfig"]["Arn"])
        for rule in assembly.all("AWS::Events::Rule")
        for target in rule.properties["Targets"]
        if "DeadLetterConfig" in target
    }
    work = [q for q in assembly.all("AWS::SQS::Queue") if (q.stack.name, q.name) not in dead]
    return work, dead


def _watched(assembly: Assembly, metric: str) -> set[tuple[str, str]]:
    found = set()
    for alarm in assembly.all("AWS::CloudWatch::Alarm"):
        if alarm.properties.get("MetricName") == metric:
            (name,) = (
                d["Value"] for d in alarm.properties["Dimensions"] if d["Name"] == "QueueName"
            )
            found.add(assembly.target(alarm.stack, name))
    return found


def test_every_queue_is_encrypted(assembly: Assembly):
    for queue in assembly.all("AWS::SQS::Queue"):
        said = queue.properties
        assert said.get("SqsManagedSseEnabled") or said.get("KmsMasterKeyId"), str(queue)


def test_every_queue_of_work_has_dead_letters_and_an_alarm_on_its_age(assembly: Assembly):
    work, _ = _queues(assembly)
    assert work
    old = _watched(assembly, "ApproximateAgeOfOldestMessage")
    for queue in work:
        assert "RedrivePolicy" in queue.properties, str(queue)
        assert (queue.stack.name, queue.name) in old, str(queue)


def test_every_queue_of_dead_letters_has_an_alarm(assembly: Assembly):
    _, dead = _queues(assembly)
    assert dead
    assert dead <= _watched(assembly, "ApproximateNumberOfMessagesVisible")


def test_every_alarm_tells_somebody_and_says_why(assembly: Assembly):
    alarms = assembly.all("AWS::CloudWatch::Alarm")
    assert alarms
    for alarm in alarms:
        assert alarm.properties.get("AlarmActions"), str(alarm)
        assert alarm.properties.get("AlarmDescription"), str(alarm)


def test_every_topic_of_alarms_has_a_subscriber(assembly: Assembly):
    heard = {
        assembly.target(found.stack, found.properties["TopicArn"])
        for found in assembly.all("AWS::SNS::Subscription")
    }
    told = {
        assembly.target(alarm.stack, action)
        for alarm in assembly.all("AWS::CloudWatch::Alarm")
        for action in alarm.properties["AlarmActions"]
    }
    assert told <= heard


def test_every_log_group_is_encrypted_and_forgets(assembly: Assembly):
    groups = assembly.all("AWS::Logs::LogGroup")
    assert groups
    for group in groups:
        assert group.properties.get("RetentionInDays"), str(group)
        assert group.properties.get("KmsKeyId"), str(group)


def test_every_secret_is_rotated_or_says_why_not(assembly: Assembly):
    rotated = {
        assembly.target(found.stack, found.properties["SecretId"])
        for found in assembly.all("AWS::SecretsManager::RotationSchedule")
    }
    attached = {
        (found.stack.name, found.name): assembly.target(found.stack, found.properties["SecretId"])
        for found in assembly.all("AWS::SecretsManager::SecretTargetAttachment")
    }
    rotated |= {attached[at] for at in rotated if at in attached}
    kept = {"ReviewerKey"}
    for secret in assembly.all("AWS::SecretsManager::Secret"):
        alone = any(secret.name.startswith(name) for name in kept)
        assert alone or (secret.stack.name, secret.name) in rotated, str(secret)
        assert secret.properties.get("KmsKeyId"), str(secret)


def test_no_template_names_an_account_or_an_address(assembly: Assembly):
    for template in assembly.templates:
        said = template.path.read_text()
        assert not re.search(r"[:/\"]\d{12}[:/\"]", said), template.name
        assert not re.search(r"[\w.]+@[\w-]+\.[a-z]+", said), template.name
