"""AWS Backup of the database and of buckets, with a copy in another region or account."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_backup as backup
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.alarm import Severity
from cdk.constructs.operations import Operations
from cdk.constructs.queue import create_dead_letters, watch_messages

_POLICIES = (
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "AWSBackupServiceRolePolicyForS3Backup",
)
_POLICY_ID = "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{}]"
_POLICY_REASON = (
    "AWS maintains the permissions that AWS Backup needs; only AWS Backup assumes the role"
)


def back_up_elsewhere(
    scope: Construct,
    *,
    operations: Operations,
    key: kms.IKey,
    database: Construct,
    buckets: Sequence[s3.IBucket],
) -> None:
    """Back the database and buckets up every night, and copy the backups to a vault elsewhere.

    RDS keeps its own backups, and S3 old versions, in the same account and region: whoever deletes
    the cluster or a bucket, or loses the region, loses them too. The ARN of the vault elsewhere is
    read at deployment from the SSM parameter ``/reviewlens/<environment>/backup-vault``.
    """
    environment = operations.environment
    vault = backup.BackupVault(
        scope,
        "Backups",
        backup_vault_name=environment.stage_name,
        encryption_key=key,
        removal_policy=RemovalPolicy.RETAIN,
    )
    arn = ssm.StringParameter.value_for_string_parameter(
        scope, f"/reviewlens/{environment.name}/backup-vault"
    )
    elsewhere = backup.BackupVault.from_backup_vault_arn(scope, "Elsewhere", arn)
    plan = backup.BackupPlan(
        scope,
        "BackupPlan",
        backup_plan_name=environment.stage_name,
        backup_vault=vault,
        backup_plan_rules=[
            backup.BackupPlanRule(
                rule_name="nightly",
                schedule_expression=events.Schedule.cron(hour="4", minute="30"),
                start_window=Duration.hours(1),
                completion_window=Duration.hours(8),
                delete_after=Duration.days(environment.database.backup_days),
                copy_actions=[
                    backup.BackupPlanCopyActionProps(
                        destination_backup_vault=elsewhere,
                        delete_after=Duration.days(environment.backup_copy_days),
                    )
                ],
            )
        ],
    )
    plan.add_selection(
        "Selected",
        resources=[
            backup.BackupResource.from_construct(database),
            *(backup.BackupResource.from_arn(bucket.bucket_arn) for bucket in buckets),
        ],
        role=_create_role(scope),
        # the role has its policies already
        disable_default_backup_policy=True,
    )
    _watch_jobs(scope, operations)


def _create_role(scope: Construct) -> iam.Role:
    named = iam.ManagedPolicy.from_aws_managed_policy_name
    role = iam.Role(
        scope,
        "BackupRole",
        assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
        managed_policies=[named(name) for name in _POLICIES],
    )
    for name in _POLICIES:
        acknowledge(role, _POLICY_ID.format(name), _POLICY_REASON)
    return role


def _watch_jobs(scope: Construct, operations: Operations) -> None:
    """Keep the events of failed backups and copies of the account, with an alarm."""
    failed = create_dead_letters(scope, "FailedBackups", operations=operations)
    acknowledge(failed, "AwsSolutions-SQS3", "It keeps events of failures until someone reads them")
    events.Rule(
        scope,
        "BackupFailed",
        description="Keeps the events of failed backups and copies",
        event_pattern=events.EventPattern(
            source=["aws.backup"],
            detail_type=["Backup Job State Change", "Copy Job State Change"],
            detail={"state": ["ABORTED", "EXPIRED", "FAILED"]},
        ),
        targets=[targets.SqsQueue(failed)],
    )
    watch_messages(
        scope,
        "FailedBackupsAlarm",
        failed,
        operations=operations,
        severity=Severity.CRITICAL,
        description="AWS Backup: a backup of the database or a bucket, or its copy elsewhere, "
        "failed. A message in the queue has the reason; start the job again in AWS Backup, then "
        "delete the message.",
    )
