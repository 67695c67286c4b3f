"""AWS Backup of the database, with a copy in another region or account."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_backup as backup
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.alarm import Severity
from cdk.constructs.operations import Operations
from cdk.constructs.queue import create_dead_letters, watch_messages

COPY_DAYS = 90
_POLICY = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"


def back_up_elsewhere(
    scope: Construct, *, operations: Operations, key: kms.IKey, database: Construct
) -> None:
    """Back the database up every night, and copy the backup to a vault elsewhere.

    RDS keeps its own backups in the same account and region: whoever deletes the cluster, or loses
    the region, loses them too. The ARN of the vault elsewhere is read at deployment from the SSM
    parameter ``/reviewlens/<environment>/backup-vault``.
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
                        destination_backup_vault=elsewhere, delete_after=Duration.days(COPY_DAYS)
                    )
                ],
            )
        ],
    )
    plan.add_selection("Database", resources=[backup.BackupResource.from_construct(database)])
    acknowledge(
        plan,
        f"AwsSolutions-IAM4[Policy::{_POLICY}]",
        "AWS maintains the permissions that AWS Backup needs; only AWS Backup assumes the role",
    )
    _watch_jobs(scope, operations)


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
        description="AWS Backup: a backup of the database or its copy elsewhere failed. A message "
        "in the queue has the reason; start the job again in AWS Backup, then delete the message.",
    )
