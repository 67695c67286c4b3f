"""PostgreSQL with its proxy, and the schema."""

import hashlib
from collections.abc import Sequence
from typing import Any

from aws_cdk import CustomResource, Duration, Fn, Stack, custom_resources
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.acknowledgments import acknowledge, acknowledge_wildcards
from cdk.constructs.backups import back_up_elsewhere
from cdk.constructs.failures import keep_failures
from cdk.constructs.function import ServiceFunction
from cdk.constructs.grants import Grant
from cdk.constructs.network import POSTGRES, Network
from cdk.constructs.operations import Operations
from cdk.constructs.postgres import DATABASE, OWNER, Postgres, create_postgres
from cdk.packaging import table
from cdk.paths import ROOT
from lambdas.migrations.settings import MigrationSettings, newest_revision
from shared.settings.base import APP_USER

_WORKER_WAIT_SECONDS = 60
"""How long a worker waits for a connection: longer than a failover or the wake-up of a cluster."""
_WAKE_UP_WAIT_SECONDS = 20
"""How long a request waits if the cluster may be paused; a request has 28 s in total."""
_REQUEST_POOL = {"database_pool_size": 2}
"""One connection for the request of a process, and one for its health check."""
_BASIC_POLICY = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class DatabaseStack(Stack):
    """A database, its schema, and the access to it.

    All connect with IAM: functions as a user that owns nothing, migrations as the owner. Exports
    ``values`` (fields of DatabaseSettings) for workers, ``request_values`` for functions of the
    API, ``grants``, and the ``dimensions`` of its metrics.

    The schema is part of this stack, so stacks that are deployed later find the tables they need.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        network: Network,
        data_key: kms.IKey,
        buckets: Sequence[s3.IBucket],
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        # imported by its ARN, so that grants in this stack do not change the stack of the key
        key = kms.Key.from_key_arn(self, "DataKey", data_key.key_arn)
        name, size = operations.environment.stage_name, operations.environment.database
        group = self._create_group("Database", network, "PostgreSQL")
        group.add_ingress_rule(network.function_group, POSTGRES, "functions")
        kind = "cluster" if size.kind == "aurora" else "instance"
        # RDS would create its log groups itself, without retention and without our key
        path = f"/aws/rds/{kind}/{name}/postgresql"
        postgres_logs = operations.named_log_group(self, "PostgresLogs", path)
        database = create_postgres(
            self, operations=operations, network=network, key=key, group=group
        )
        database.construct.node.add_dependency(postgres_logs)
        self.dimensions = database.dimensions
        if operations.environment.backup_copy_days:
            back_up_elsewhere(
                self,
                operations=operations,
                key=key,
                database=database.construct,
                buckets=buckets,
            )
        schema = self._migrate(operations, network, database)
        host, resource_id = database.host, database.resource_id
        if size.proxy:
            proxy_logs = operations.named_log_group(self, "ProxyLogs", f"/aws/rds/proxy/{name}")
            proxy = self._create_proxy(name, network, database.target, resource_id)
            proxy.node.add_dependency(schema, proxy_logs)
            host, resource_id = proxy.endpoint, Fn.select(6, Fn.split(":", proxy.db_proxy_arn))
        connection = {"database_host": host, "database_name": DATABASE, "database_user": APP_USER}
        self.values = {**connection, "database_wait_seconds": _WORKER_WAIT_SECONDS}
        can_pause = size.kind == "aurora" and size.min_acu == 0
        self.request_values = {
            **connection,
            **_REQUEST_POOL,
            **({"database_wait_seconds": _WAKE_UP_WAIT_SECONDS} if can_pause else {}),
        }
        self.grants = [self._connect_grant(resource_id, APP_USER)]

    def _create_group(self, name: str, network: Network, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            f"{name}Group",
            vpc=network.vpc,
            allow_all_outbound=False,
            description=description,
        )

    def _connect_grant(self, resource_id: str, user: str) -> Grant:
        arn = self.format_arn(
            service="rds-db", resource="dbuser", resource_name=f"{resource_id}/{user}"
        ).replace("dbuser/", "dbuser:")
        return Grant(["rds-db:connect"], [arn])

    def _create_proxy(
        self,
        name: str,
        network: Network,
        target: rds.ProxyTarget,
        resource_id: str,
    ) -> rds.DatabaseProxy:
        """Create an RDS Proxy that accepts IAM tokens over TLS and itself connects with IAM.

        CDK adds the rule that allows the proxy's security group to reach the database.
        """
        group = self._create_group("Proxy", network, "RDS Proxy")
        group.add_ingress_rule(network.function_group, POSTGRES, "functions")
        # a group without an egress rule would allow all outbound traffic
        group.add_egress_rule(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), POSTGRES, "PostgreSQL")
        role = iam.Role(self, "ProxyRole", assumed_by=iam.ServicePrincipal("rds.amazonaws.com"))
        grants.attach(role, self._connect_grant(resource_id, APP_USER))
        return rds.DatabaseProxy(
            self,
            "Proxy",
            db_proxy_name=name,
            proxy_target=target,
            default_auth_scheme=rds.DefaultAuthScheme.IAM_AUTH,
            iam_auth=True,
            require_tls=True,
            role=role,
            vpc=network.vpc,
            vpc_subnets=network.subnets,
            security_groups=[group],
            borrow_timeout=Duration.seconds(30),
            # longer than the 15 minutes for which a worker may hold a lock by an idle connection
            idle_client_timeout=Duration.minutes(30),
            max_connections_percent=90,
            max_idle_connections_percent=10,
        )

    def _migrate(
        self,
        operations: Operations,
        network: Network,
        database: Postgres,
    ) -> CustomResource:
        migrations = ServiceFunction(
            self,
            "Migrations",
            operations=operations,
            asset="migrations",
            settings=MigrationSettings,
            values={
                "database_host": database.host,
                "database_name": DATABASE,
                "database_user": OWNER,
                "app_user": APP_USER,
            },
            description="Migrates the schema to the newest revision, grants access to functions",
            grants=[self._connect_grant(database.resource_id, OWNER)],
            network=network,
        )
        keep_failures(
            self,
            "MigrationFailures",
            operations=operations,
            service=migrations,
            description="Migrations: an invocation failed that nobody waited for, such as a "
            "downgrade. The message has the event and the error; the schema is that of the last "
            "complete migration.",
        )
        provider = custom_resources.Provider(
            self,
            "MigrationProvider",
            on_event_handler=migrations.function,
            log_group=operations.log_group(self, "MigrationProviderLogs"),
        )
        self._acknowledge_findings(provider, migrations)
        schema = CustomResource(
            self,
            "Schema",
            resource_type="Custom::Schema",
            service_token=provider.service_token,
            # a change to either value calls the function again
            properties={"revision": newest_revision(), "sources": _sources_digest()},
        )
        schema.node.add_dependency(database.construct)
        return schema

    def _acknowledge_findings(
        self, provider: custom_resources.Provider, migrations: ServiceFunction
    ) -> None:
        reason = "CDK's provider function calls migrations; CDK defines its role and runtime"
        acknowledge(provider, "AwsSolutions-L1", reason)
        acknowledge(provider, f"AwsSolutions-IAM4[Policy::{_BASIC_POLICY}]", reason)
        versions = [f"{migrations.function.function_arn}:*"]
        acknowledge_wildcards(provider, versions, f"{reason}; it may call any version")


def _sources_digest() -> str:
    """Digest of all files that the migrations function ships."""
    digest = hashlib.sha256()
    for path in table.sources_of("migrations"):
        digest.update(f"{path}\0".encode() + (ROOT / path).read_bytes())
    return digest.hexdigest()[:16]
