"""PostgreSQL, the proxy in front of it, the rotation of its owner's password, its schema."""

import hashlib
from typing import Any

from aws_cdk import CustomResource, Duration, Fn, Stack, custom_resources
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.explained import acknowledge, acknowledge_wildcards
from cdk.constructs.function import ServiceFunction
from cdk.constructs.grants import Grant
from cdk.constructs.network import POSTGRES, Network
from cdk.constructs.operations import Operations
from cdk.constructs.postgres import DATABASE, Postgres, postgres
from cdk.packaging import table
from cdk.paths import ROOT
from lambdas.migrations.settings import MigrationSettings, newest_revision
from shared.settings.base import APP_USER

_ROTATION_DAYS = 30
_WORK_WAIT_SECONDS = 60
"""What a worker waits for a connection: longer than a failover, or a paused cluster's waking."""
_WAKE_SECONDS = 20
"""What a request waits where the cluster may be paused; it has 28 s for all that it does."""
_REQUEST_POOL = {"database_pool_size": 2}
"""A process answers one request at a time, and its health beside it."""
_BASIC = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class DatabaseStack(Stack):
    """A database, its schema, and the way in.

    Exports what a function needs to connect, by IAM and as a user that owns nothing: ``values``
    (fields of DatabaseSettings) for workers, ``request_values`` for those that answer requests,
    and ``grants``; and ``dimensions`` of its metrics.

    The schema is part of this stack: whatever is deployed after it finds the tables that it knows.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        network: Network,
        data_key: kms.IKey,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        # by its ARN: what uses it in this stack changes nothing in the stack that has it
        key = kms.Key.from_key_arn(self, "DataKey", data_key.key_arn)
        name, size = operations.environment.stage_name, operations.environment.database
        group = self._group("Database", network, "PostgreSQL")
        group.add_ingress_rule(network.function_group, POSTGRES, "functions")
        kind = "cluster" if size.kind == "aurora" else "instance"
        # RDS would make its groups by itself, without end and without our key
        path = f"/aws/rds/{kind}/{name}/postgresql"
        exported = operations.named_log_group(self, "PostgresLogs", path)
        database = postgres(self, operations=operations, network=network, key=key, group=group)
        database.part.node.add_dependency(exported)
        self.dimensions = database.dimensions
        self._rotate(name, database, network)
        migrated = self._migrate(operations, network, key, database)
        host, resource_id = database.host, database.resource_id
        if size.proxy:
            told = operations.named_log_group(self, "ProxyLogs", f"/aws/rds/proxy/{name}")
            proxy = self._proxy(name, network, database.target, resource_id)
            proxy.node.add_dependency(migrated, told)
            host, resource_id = proxy.endpoint, Fn.select(6, Fn.split(":", proxy.db_proxy_arn))
        way_in = {"database_host": host, "database_name": DATABASE, "database_user": APP_USER}
        self.values = {**way_in, "database_wait_seconds": _WORK_WAIT_SECONDS}
        paused = size.kind == "aurora" and size.min_acu == 0
        self.request_values = {
            **way_in,
            **_REQUEST_POOL,
            **({"database_wait_seconds": _WAKE_SECONDS} if paused else {}),
        }
        self.grants = [self._connect(resource_id)]

    def _group(self, name: str, network: Network, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            f"{name}Group",
            vpc=network.vpc,
            allow_all_outbound=False,
            description=description,
        )

    def _connect(self, resource_id: str) -> Grant:
        arn = self.format_arn(
            service="rds-db", resource="dbuser", resource_name=f"{resource_id}/{APP_USER}"
        ).replace("dbuser/", "dbuser:")
        return Grant(["rds-db:connect"], [arn])

    def _proxy(
        self,
        name: str,
        network: Network,
        target: rds.ProxyTarget,
        resource_id: str,
    ) -> rds.DatabaseProxy:
        """RDS Proxy that takes IAM tokens over TLS and gives the database one of its own.

        CDK itself lets its group into the database's.
        """
        group = self._group("Proxy", network, "RDS Proxy")
        group.add_ingress_rule(network.function_group, POSTGRES, "functions")
        # a group without a rule of its own would be let out everywhere
        group.add_egress_rule(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), POSTGRES, "PostgreSQL")
        role = iam.Role(self, "ProxyRole", assumed_by=iam.ServicePrincipal("rds.amazonaws.com"))
        grants.give(role, self._connect(resource_id))
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
            # above the 15 minutes that a function holds a lock by an idle connection
            idle_client_timeout=Duration.minutes(30),
            max_connections_percent=90,
            max_idle_connections_percent=10,
        )

    def _rotate(self, name: str, database: Postgres, network: Network) -> None:
        """Rotate the owner's password; functions have none, so nobody is disturbed."""
        schedule = database.secret.add_rotation_schedule(
            "Rotation",
            automatically_after=Duration.days(_ROTATION_DAYS),
            # at once it would take the password away from the migration of the same deployment
            rotate_immediately_on_update=False,
            hosted_rotation=secretsmanager.HostedRotation.postgre_sql_single_user(
                # environments share an account
                function_name=f"{name}-rotation",
                vpc=network.vpc,
                vpc_subnets=network.subnets,
                security_groups=[network.function_group],
            ),
        )
        # it is tried out at once, and wants a server
        servers = [
            part for part in database.part.node.find_all() if isinstance(part, rds.CfnDBInstance)
        ]
        schedule.node.add_dependency(*servers)

    def _migrate(
        self,
        operations: Operations,
        network: Network,
        key: kms.IKey,
        database: Postgres,
    ) -> CustomResource:
        secret = database.secret
        migrations = ServiceFunction(
            self,
            "Migrations",
            operations=operations,
            asset="migrations",
            settings=MigrationSettings,
            values={
                "database_secret_id": secret.secret_arn,
                "database_tls": "verify-full",
                "app_user": APP_USER,
            },
            description="Brings the schema to the newest revision and lets the functions in",
            grants=[grants.read_secret(secret), grants.decrypt(key)],
            network=network,
        )
        provider = custom_resources.Provider(
            self,
            "MigrationProvider",
            on_event_handler=migrations.function,
            log_group=operations.log_group(self, "MigrationProviderLogs"),
        )
        self._explain(provider, migrations)
        schema = CustomResource(
            self,
            "Schema",
            resource_type="Custom::Schema",
            service_token=provider.service_token,
            # a change of either calls the function again
            properties={"revision": newest_revision(), "sources": _sources()},
        )
        schema.node.add_dependency(database.part)
        return schema

    def _explain(self, provider: custom_resources.Provider, migrations: ServiceFunction) -> None:
        reason = "CDK's own function in front of migrations: its role and runtime are CDK's"
        acknowledge(provider, "AwsSolutions-L1", reason)
        acknowledge(provider, f"AwsSolutions-IAM4[Policy::{_BASIC}]", reason)
        versions = [f"{migrations.function.function_arn}:*"]
        acknowledge_wildcards(provider, versions, f"{reason}, for any version of it")


def _sources() -> str:
    """Names what migrations ship."""
    digest = hashlib.sha256()
    for path in table.sources_of("migrations"):
        digest.update(f"{path}\0".encode() + (ROOT / path).read_bytes())
    return digest.hexdigest()[:16]
