"""The network: isolated subnets without internet access, and endpoints of AWS services."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.network import POSTGRES, Network
from cdk.constructs.operations import Operations

_ZONES = 2
_SERVICES = {
    "secretsmanager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
    "states": ec2.InterfaceVpcEndpointAwsService.STEP_FUNCTIONS,
    "sagemaker.api": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API,
}
"""Services other than S3 that functions in the VPC call; each costs about 7 USD a month per zone.
Lambda itself sends logs and traces; S3 and Secrets Manager call KMS; database tokens are signed
locally."""


class NetworkStack(Stack):
    """A VPC for the functions that use PostgreSQL: exports ``network`` and ``services``.

    Inference and retrieval need nothing in the VPC and stay outside.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, operations: Operations, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.42.0.0/20"),
            max_azs=_ZONES,
            nat_gateways=0,
            create_internet_gateway=False,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24
                )
            ],
        )
        self._log_rejected_traffic(vpc, operations)
        functions = ec2.SecurityGroup(
            self,
            "Functions",
            vpc=vpc,
            allow_all_outbound=False,
            description="Functions that use PostgreSQL",
        )
        anywhere, inside = ec2.Peer.any_ipv4(), ec2.Peer.ipv4(vpc.vpc_cidr_block)
        functions.add_egress_rule(anywhere, ec2.Port.tcp(443), "HTTPS to S3 and endpoints")
        functions.add_egress_rule(inside, POSTGRES, "PostgreSQL or its proxy")
        self.network = Network(vpc, functions)
        services = dict(_SERVICES)
        if operations.environment.event_bus:
            services["events"] = ec2.InterfaceVpcEndpointAwsService.EVENTBRIDGE
        self.services = tuple(services)
        self._create_endpoints(vpc, functions, services, operations.environment.endpoint_zones)

    def _log_rejected_traffic(self, vpc: ec2.Vpc, operations: Operations) -> None:
        role = iam.Role(
            self, "FlowRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com")
        )
        group = operations.log_group(self, "Flows")
        vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group, role),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

    def _create_endpoints(
        self,
        vpc: ec2.Vpc,
        functions: ec2.SecurityGroup,
        services: Mapping[str, ec2.InterfaceVpcEndpointAwsService],
        zones: int,
    ) -> None:
        s3_endpoint = vpc.add_gateway_endpoint(
            "S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[self.network.subnets]
        )
        s3_endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=[
                    "s3:AbortMultipartUpload",
                    "s3:DeleteObject",
                    "s3:DeleteObjectVersion",
                    "s3:GetObject",
                    "s3:ListBucket",
                    "s3:ListBucketVersions",
                    "s3:PutObject",
                ],
                resources=["*"],
                conditions={"StringEquals": {"aws:ResourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=vpc,
            allow_all_outbound=False,
            description="Interface endpoints of AWS services",
        )
        group.add_ingress_rule(functions, ec2.Port.tcp(443), "HTTPS from functions")
        for name, service in services.items():
            endpoint = vpc.add_interface_endpoint(
                f"Endpoint-{name.replace('.', '-')}",
                service=service,
                subnets=ec2.SubnetSelection(subnets=vpc.isolated_subnets[:zones]),
                security_groups=[group],
                open=False,
            )
            acknowledge(endpoint, "AwsSolutions-EC23", "Only functions can reach it")
