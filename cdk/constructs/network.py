"""Where functions stand that reach the database."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2

POSTGRES = ec2.Port.tcp(5432)
"""Where the database and its proxy listen."""


@dataclass(frozen=True)
class Network:
    """Isolated subnets of one VPC, without a way to the internet."""

    vpc: ec2.IVpc
    function_group: ec2.ISecurityGroup
    """Security group of functions: out to HTTPS endpoints and to PostgreSQL, nothing in."""

    @property
    def subnets(self) -> ec2.SubnetSelection:
        """The subnets that functions and the database stand in."""
        return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
