"""The network of the functions that use the database."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2

POSTGRES = ec2.Port.tcp(5432)
"""Port of the database and its proxy."""


@dataclass(frozen=True)
class Network:
    """Isolated subnets of one VPC, without internet access."""

    vpc: ec2.IVpc
    function_group: ec2.ISecurityGroup
    """Security group of functions: outbound HTTPS and PostgreSQL, nothing inbound."""

    @property
    def subnets(self) -> ec2.SubnetSelection:
        """The subnets of the functions and the database."""
        return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
