"""The base of all other stacks: the key of logs and alarms, the alarm topic, the budget."""

from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk.constructs.operations import Operations
from cdk.environments import Environment

_LOG_ACTIONS = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
]
_SENDERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com")


class FoundationStack(Stack):
    """Exports ``operations``, which all constructs with logs or alarms need."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        key = kms.Key(
            self,
            "Key",
            description=f"{environment.stage_name}: log groups and alarms",
            enable_key_rotation=True,
        )
        topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        self.operations = Operations(environment, key, topic)
        key.apply_removal_policy(self.operations.removal_policy)
        self._allow_logs(key)
        self._allow_senders(key, topic)
        self._subscribe_email(topic)
        self._create_budget(environment, topic)

    def _allow_logs(self, key: kms.Key) -> None:
        groups = self.format_arn(
            service="logs",
            resource="log-group",
            resource_name="*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{self.region}.amazonaws.com")],
                actions=_LOG_ACTIONS,
                resources=["*"],  # in a key's policy: this key
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            )
        )

    def _allow_senders(self, key: kms.Key, topic: sns.Topic) -> None:
        same_account = {"StringEquals": {"aws:SourceAccount": self.account}}
        senders: list[iam.IPrincipal] = [iam.ServicePrincipal(name) for name in _SENDERS]
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=senders,
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions=same_account,
            )
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=senders,
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=same_account,
            )
        )

    def _subscribe_email(self, topic: sns.Topic) -> None:
        name = self.operations.environment.name
        # read at deployment, so that neither the code nor the pipeline contains the address
        address = ssm.StringParameter.value_for_string_parameter(
            self, f"/reviewlens/{name}/alarm-email"
        )
        topic.add_subscription(subscriptions.EmailSubscription(address))

    def _create_budget(self, environment: Environment, topic: sns.Topic) -> None:
        subscriber = budgets.CfnBudget.SubscriberProperty(
            subscription_type="SNS", address=topic.topic_arn
        )
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=environment.budget_usd, unit="USD"
                ),
                cost_filters={"TagKeyValue": [f"user:reviewlens:environment${environment.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )
