"""Rules for every stack of every environment, including future ones."""

import re
from graphlib import TopologicalSorter

import pytest

from cdk.environments import ENVIRONMENTS
from tests.infra.linting import lint
from tests.infra.templates import Assembly, Resource, as_list, references, statements

pytestmark = pytest.mark.timeout(600)

ACTIONS_WITHOUT_RESOURCES = {
    # Lambda manages network interfaces; these EC2 actions support no resources
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    # SageMaker does the same for a job in the VPC, and describes the network
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    # X-Ray and CloudWatch metrics have no resources
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "cloudwatch:PutMetricData",
    # a token is valid for a registry, not for a repository
    "ecr:GetAuthorizationToken",
    # log deliveries belong to the account
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}


PIPELINE_ACTIONS = {
    "cloudformation:DescribeStacks",
    "codebuild:BatchGetBuilds",
    "codebuild:StartBuild",
    "codebuild:StopBuild",
    "s3:ListBucket",
}
"""Actions that CDK Pipelines grants to the steps for its update and for publishing assets."""


def _pipeline_actions(resource: Resource) -> set[str]:
    steps = ("DeliveryUpdatePipeline", "DeliveryAssets")
    generated = resource.stack.name == "reviewlens-delivery" and resource.name.startswith(steps)
    return PIPELINE_ACTIONS if generated else set()


def _lines(findings: list[object]) -> str:
    return "\n".join(map(str, findings))


def test_every_environment_has_every_stack(assembly: Assembly):
    by_environment = {
        name: {
            t.name.removeprefix(f"reviewlens-{name}-")
            for t in assembly.templates
            if t.environment == name
        }
        for name in ENVIRONMENTS
    }
    required = {"foundation", "network", "storage", "database", "processing", "collection"}
    assert required <= by_environment["dev"]
    assert by_environment["dev"] == by_environment["staging"] == by_environment["prod"]


def test_every_finding_of_cdk_nag_is_acknowledged(assembly: Assembly):
    findings = [
        (violation["ruleName"], violation["violatingConstructs"])
        for report in assembly.report["pluginReports"]
        for violation in report["violations"]
    ]
    assert not findings, _lines(findings)


def test_cfn_lint_reports_neither_errors_nor_warnings(assembly: Assembly):
    assert lint(template.path for template in assembly.templates) == []


def test_stacks_have_no_circular_dependencies(assembly: Assembly):
    graph: dict[str, set[str]] = {}
    for template in assembly.templates:
        dependencies = {
            assembly.target(template, value)[0]
            for value in references(template.body["Resources"])
            if "Fn::ImportValue" in value
        }
        graph[template.name] = dependencies - {template.name}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("reviewlens-prod-storage") < order.index("reviewlens-prod-collection")


def test_no_policy_allows_a_wildcard_action(assembly: Assembly):
    findings = [
        f"{statement.resource} {statement.actions}"
        for statement in statements(assembly)
        if statement.body["Effect"] == "Allow"
        and any("*" in action for action in statement.actions)
        # AWS's default key policy gives the account all actions, or the key is unmanageable
        and statement.resource.definition["Type"] != "AWS::KMS::Key"
    ]
    assert not findings, _lines(findings)
    assert sum(1 for _ in statements(assembly)) > 100


def test_only_actions_without_resources_have_a_wildcard_resource(assembly: Assembly):
    roles = ("AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
    findings = [
        f"{statement.resource} {sorted(actions)}"
        for statement in statements(assembly)
        if statement.body["Effect"] == "Allow"
        and statement.resource.definition["Type"] in roles
        and "*" in as_list(statement.body.get("Resource", []))
        and (
            actions := set(statement.actions)
            - ACTIONS_WITHOUT_RESOURCES
            - _pipeline_actions(statement.resource)
        )
    ]
    assert not findings, _lines(findings)


def test_public_access_always_has_a_condition(assembly: Assembly):
    findings = [
        str(statement.resource)
        for statement in statements(assembly)
        if statement.body["Effect"] == "Allow"
        and statement.body.get("Principal") in ("*", {"AWS": "*"})
        and not statement.body.get("Condition")
    ]
    assert not findings, _lines(findings)


def test_every_key_rotates(assembly: Assembly):
    keys = assembly.all("AWS::KMS::Key")
    assert keys
    assert [str(key) for key in keys if key.properties.get("EnableKeyRotation") is not True] == []


def test_every_bucket_is_encrypted_versioned_and_private_and_expires_old_versions(
    assembly: Assembly,
):
    buckets = assembly.all("AWS::S3::Bucket")
    assert buckets
    for bucket in buckets:
        properties = bucket.properties
        assert properties["BucketEncryption"], str(bucket)
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}, str(bucket)
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}, str(bucket)
        rules = properties["LifecycleConfiguration"]["Rules"]
        assert any("NoncurrentVersionExpiration" in rule for rule in rules), str(bucket)
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), str(bucket)


def test_every_bucket_except_log_buckets_has_access_logs(assembly: Assembly):
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
def test_access_without_tls_is_denied(assembly: Assembly, kind: str, policy: str, names: str):
    protected = {
        assembly.target(resource.stack, value)
        for resource in assembly.all(policy)
        for value in as_list(resource.properties[names])
        if any(
            statement["Effect"] == "Deny"
            and statement["Condition"].get("Bool") == {"aws:SecureTransport": "false"}
            for statement in resource.properties["PolicyDocument"]["Statement"]
        )
    }
    resources = {(resource.stack.name, resource.name) for resource in assembly.all(kind)}
    assert resources
    assert resources <= protected


def _queues(assembly: Assembly) -> tuple[list[Resource], set[tuple[str, str]]]:
    """The work queues, and the dead-letter queues."""
    dead_letters = {
        assembly.target(queue.stack, queue.properties["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in assembly.all("AWS::SQS::Queue")
        if "RedrivePolicy" in queue.properties
    }
    dead_letters |= {
        assembly.target(rule.stack, target["DeadLetterConfig"]["Arn"])
        for rule in assembly.all("AWS::Events::Rule")
        for target in rule.properties["Targets"]
        if "DeadLetterConfig" in target
    }
    # events of failed invocations, backups and copies: read by people, as dead letters are
    dead_letters |= {
        assembly.target(
            config.stack, config.properties["DestinationConfig"]["OnFailure"]["Destination"]
        )
        for config in assembly.all("AWS::Lambda::EventInvokeConfig")
        if "DestinationConfig" in config.properties
    }
    queues = {(queue.stack.name, queue.name) for queue in assembly.all("AWS::SQS::Queue")}
    dead_letters |= queues & {
        assembly.target(rule.stack, target["Arn"])
        for rule in assembly.all("AWS::Events::Rule")
        for target in rule.properties["Targets"]
    }
    queues = assembly.all("AWS::SQS::Queue")
    work = [queue for queue in queues if (queue.stack.name, queue.name) not in dead_letters]
    return work, dead_letters


def _queues_with_alarm(assembly: Assembly, metric: str) -> set[tuple[str, str]]:
    queues = set()
    for alarm in assembly.all("AWS::CloudWatch::Alarm"):
        if alarm.properties.get("MetricName") == metric:
            (name,) = (
                d["Value"] for d in alarm.properties["Dimensions"] if d["Name"] == "QueueName"
            )
            queues.add(assembly.target(alarm.stack, name))
    return queues


def test_every_queue_is_encrypted(assembly: Assembly):
    for queue in assembly.all("AWS::SQS::Queue"):
        properties = queue.properties
        encrypted = properties.get("SqsManagedSseEnabled") or properties.get("KmsMasterKeyId")
        assert encrypted, str(queue)


def test_every_work_queue_has_dead_letters_and_an_age_alarm(assembly: Assembly):
    work, _ = _queues(assembly)
    assert work
    with_age_alarm = _queues_with_alarm(assembly, "ApproximateAgeOfOldestMessage")
    for queue in work:
        assert "RedrivePolicy" in queue.properties, str(queue)
        assert (queue.stack.name, queue.name) in with_age_alarm, str(queue)


def test_every_dead_letter_queue_has_an_alarm(assembly: Assembly):
    _, dead_letters = _queues(assembly)
    assert dead_letters
    assert dead_letters <= _queues_with_alarm(assembly, "ApproximateNumberOfMessagesVisible")


def test_every_alarm_has_an_action_and_a_description(assembly: Assembly):
    alarms = assembly.all("AWS::CloudWatch::Alarm")
    assert alarms
    for alarm in alarms:
        assert alarm.properties.get("AlarmActions"), str(alarm)
        assert alarm.properties.get("AlarmDescription"), str(alarm)


def test_every_alarm_topic_has_a_subscriber(assembly: Assembly):
    subscribed = {
        assembly.target(subscription.stack, subscription.properties["TopicArn"])
        for subscription in assembly.all("AWS::SNS::Subscription")
    }
    topics = {
        assembly.target(alarm.stack, action)
        for alarm in assembly.all("AWS::CloudWatch::Alarm")
        for action in alarm.properties["AlarmActions"]
    }
    assert topics <= subscribed


def test_every_log_group_is_encrypted_and_has_a_retention(assembly: Assembly):
    groups = assembly.all("AWS::Logs::LogGroup")
    assert groups
    for group in groups:
        assert group.properties.get("RetentionInDays"), str(group)
        assert group.properties.get("KmsKeyId"), str(group)


def test_the_only_secret_is_the_reviewer_key(assembly: Assembly):
    for secret in assembly.all("AWS::SecretsManager::Secret"):
        assert secret.name.startswith("ReviewerKey"), str(secret)
        assert secret.properties.get("KmsKeyId"), str(secret)


def test_no_template_contains_an_account_id_or_an_email_address(assembly: Assembly):
    for template in assembly.templates:
        text = template.path.read_text()
        assert not re.search(r"[:/\"]\d{12}[:/\"]", text), template.name
        assert not re.search(r"[\w.]+@[\w-]+\.[a-z]+", text), template.name


def test_every_template_is_within_the_limits_of_cloudformation(assembly: Assembly):
    for template in assembly.templates:
        assert len(template.body.get("Resources", {})) < 400, template.name
        assert len(template.path.read_bytes()) < 900_000, template.name
