"""PostgreSQL as an Aurora Serverless cluster or as a single RDS instance."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.environments import DatabaseSize

OWNER = "reviewlens"
"""Owner of the database and its tables; only migrations connect as this user."""
DATABASE = "reviewlens"
_AURORA_VERSION = rds.AuroraPostgresEngineVersion.VER_17_7
_RDS_VERSION = rds.PostgresEngineVersion.VER_17_7
_IDLE_TIMEOUT_MS = 20 * 60_000
_PORT_REASON = "Security groups restrict access; another port would add no protection"
_UNPROTECTED_REASON = "This environment does not keep its data (keep_data)"


@dataclass(frozen=True)
class Postgres:
    """The database, independent of its kind."""

    construct: Construct
    """The cluster or the instance."""
    resource_id: str
    """The id that identifies it in IAM policies for connections."""
    host: str
    """Endpoint for reading and writing."""
    target: rds.ProxyTarget
    dimensions: dict[str, str]
    """CloudWatch dimensions of its metrics (namespace AWS/RDS)."""


def create_postgres(
    scope: Construct,
    *,
    operations: Operations,
    network: Network,
    key: kms.IKey,
    group: ec2.ISecurityGroup,
) -> Postgres:
    """Create the database of an environment.

    Args:
        scope: the stack.
        operations: the environment, whose ``database`` determines kind and size.
        network: provides the isolated subnets.
        key: encrypts disk, snapshots and performance data.
        group: security group of the database.
    """
    environment = operations.environment
    size = environment.database
    name = environment.stage_name
    common: dict[str, Any] = {
        "vpc": network.vpc,
        "vpc_subnets": network.subnets,
        "security_groups": [group],
        "credentials": rds.Credentials.from_username(OWNER),
        # without it CDK makes a password; see _require_tokens
        "manage_master_user_password": True,
        "iam_authentication": True,
        "storage_encrypted": True,
        "storage_encryption_key": key,
        "parameters": _parameters(size),
        "cloudwatch_logs_exports": ["postgresql"],
        "enable_performance_insights": True,
        "performance_insight_encryption_key": key,
        "deletion_protection": environment.keep_data,
        "removal_policy": (
            RemovalPolicy.SNAPSHOT if environment.keep_data else RemovalPolicy.DESTROY
        ),
    }
    create = _create_cluster if size.kind == "aurora" else _create_instance
    return create(scope, name, size, common)


def _parameters(size: DatabaseSize) -> dict[str, str]:
    parameters = {
        "rds.force_ssl": "1",
        "log_min_duration_statement": "2000",
        # review texts must not appear in logs
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
    if size.kind == "aurora" and size.min_acu == 0:
        # A frozen function keeps its connection open, which would prevent the pause. The timeout
        # is longer than the 15 minutes for which a worker may hold a lock by an idle connection.
        parameters["idle_session_timeout"] = str(_IDLE_TIMEOUT_MS)
    return parameters


def _create_cluster(
    scope: Construct, name: str, size: DatabaseSize, common: dict[str, Any]
) -> Postgres:
    cluster = rds.DatabaseCluster(
        scope,
        "Cluster",
        engine=rds.DatabaseClusterEngine.aurora_postgres(version=_AURORA_VERSION),
        cluster_identifier=name,
        default_database_name=DATABASE,
        writer=rds.ClusterInstance.serverless_v2("Writer", publicly_accessible=False),
        readers=[
            rds.ClusterInstance.serverless_v2(
                f"Reader{number}", scale_with_writer=True, publicly_accessible=False
            )
            for number in range(1, size.readers + 1)
        ],
        serverless_v2_min_capacity=size.min_acu,
        serverless_v2_max_capacity=size.max_acu,
        serverless_v2_auto_pause_duration=Duration.minutes(10) if size.min_acu == 0 else None,
        backup=rds.BackupProps(
            retention=Duration.days(size.backup_days), preferred_window="02:00-03:00"
        ),
        preferred_maintenance_window="sun:03:30-sun:04:30",
        copy_tags_to_snapshot=True,
        **common,
    )
    _require_tokens(cluster, rds.CfnDBCluster)
    _acknowledge_findings(cluster, protected=common["deletion_protection"])
    return Postgres(
        construct=cluster,
        resource_id=cluster.cluster_resource_identifier,
        host=cluster.cluster_endpoint.hostname,
        target=rds.ProxyTarget.from_cluster(cluster),
        dimensions={"DBClusterIdentifier": cluster.cluster_identifier},
    )


def _create_instance(
    scope: Construct, name: str, size: DatabaseSize, common: dict[str, Any]
) -> Postgres:
    instance = rds.DatabaseInstance(
        scope,
        "Instance",
        engine=rds.DatabaseInstanceEngine.postgres(version=_RDS_VERSION),
        instance_identifier=name,
        database_name=DATABASE,
        instance_type=ec2.InstanceType(size.instance_class),
        allocated_storage=size.storage_gib,
        max_allocated_storage=4 * size.storage_gib,
        storage_type=rds.StorageType.GP3,
        multi_az=size.multi_az,
        publicly_accessible=False,
        backup_retention=Duration.days(size.backup_days),
        preferred_backup_window="02:00-03:00",
        preferred_maintenance_window="sun:03:30-sun:04:30",
        copy_tags_to_snapshot=True,
        **common,
    )
    _require_tokens(instance, rds.CfnDBInstance)
    _acknowledge_findings(instance, protected=common["deletion_protection"])
    if not size.multi_az:
        acknowledge(instance, "AwsSolutions-RDS3", "Each environment chooses multi_az")
    return Postgres(
        construct=instance,
        resource_id=str(instance.instance_resource_id),
        host=instance.db_instance_endpoint_address,
        target=rds.ProxyTarget.from_instance(instance),
        dimensions={"DBInstanceIdentifier": instance.instance_identifier},
    )


def _acknowledge_findings(database: Construct, *, protected: bool) -> None:
    acknowledge(database, "AwsSolutions-RDS11", _PORT_REASON)
    if not protected:
        acknowledge(database, "AwsSolutions-RDS10", _UNPROTECTED_REASON)


def _require_tokens(
    database: Construct, kind: type[rds.CfnDBCluster] | type[rds.CfnDBInstance]
) -> None:
    """Have the owner connect with IAM from the start; CDK has no option for it."""
    resource = database.node.default_child
    if not isinstance(resource, kind):
        raise TypeError(f"{database.node.path} has no {kind.__name__}")
    resource.manage_master_user_password = None
    resource.master_user_authentication_type = "iam-db-auth"
