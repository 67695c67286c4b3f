"""The resources that a pipeline needs: key, artefact bucket, log group and topic."""

from typing import Any

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.bucket import expiry_rule, private_bucket_options

_RETENTION_DAYS = 30
_NOTIFIER = "codestar-notifications.amazonaws.com"


class PipelineStore(Construct):
    """Holds only reproducible data: it is deleted with its stack and expires after 30 days."""

    def __init__(self, scope: Construct, construct_id: str, *, email_parameter: str) -> None:
        """Create the resources.

        Args:
            scope: the stack.
            construct_id: its id in the stack.
            email_parameter: SSM parameter with the email address that the topic notifies.
        """
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description=f"{Stack.of(self).stack_name}: artefacts, logs and notifications",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.logs = self._create_log_group()
        self.artefacts = self._create_bucket()
        self.topic = self._create_topic(email_parameter)

    def _create_log_group(self) -> logs.LogGroup:
        stack = Stack.of(self)
        name = f"/{stack.stack_name}/builds"
        group = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{name}"
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key's policy: this key
                conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": group}},
            )
        )
        return logs.LogGroup(
            self,
            "Logs",
            log_group_name=name,
            encryption_key=self.key,
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _create_bucket(self) -> s3.Bucket:
        common: dict[str, Any] = {
            **private_bucket_options(),
            "lifecycle_rules": [expiry_rule(_RETENTION_DAYS)],
            "removal_policy": RemovalPolicy.DESTROY,
        }
        log_bucket = s3.Bucket(
            self, "AccessLogs", encryption=s3.BucketEncryption.S3_MANAGED, **common
        )
        acknowledge(log_bucket, "AwsSolutions-S1", "Logging the log bucket would never end")
        return s3.Bucket(
            self,
            "Artefacts",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            server_access_logs_bucket=log_bucket,
            **common,
        )

    def _create_topic(self, email_parameter: str) -> sns.Topic:
        topic = sns.Topic(self, "Topic", master_key=self.key, enforce_ssl=True)
        sender = iam.ServicePrincipal(_NOTIFIER)
        same_account = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[sender],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions=same_account,
            )
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[sender],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=same_account,
            )
        )
        address = ssm.StringParameter.value_for_string_parameter(self, email_parameter)
        topic.add_subscription(subscriptions.EmailSubscription(address))
        return topic
