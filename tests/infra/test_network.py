"""The network has no internet access, only the endpoints that functions need."""

import pytest

from tests.infra.templates import Assembly

pytestmark = pytest.mark.timeout(600)


def test_there_is_no_nat_gateway_and_no_internet_access(assembly: Assembly):
    kinds = ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP")
    assert [str(resource) for resource in assembly.all(*kinds)] == []
    assert [str(route) for route in assembly.all("AWS::EC2::Route")] == []
    subnets = assembly.all("AWS::EC2::Subnet")
    assert subnets
    assert [str(s) for s in subnets if s.properties.get("MapPublicIpOnLaunch")] == []


def test_every_network_has_two_zones(assembly: Assembly):
    for name in ("dev", "staging", "prod"):
        zones = {
            str(subnet.properties["AvailabilityZone"])
            for subnet in assembly.one(name, "network").all("AWS::EC2::Subnet")
        }
        assert len(zones) == 2


def test_only_production_has_endpoints_in_both_zones(assembly: Assembly):
    zones = {
        name: {
            len(endpoint.properties["SubnetIds"])
            for endpoint in assembly.one(name, "network").all("AWS::EC2::VPCEndpoint")
            if endpoint.properties["VpcEndpointType"] == "Interface"
        }
        for name in ("dev", "staging", "prod")
    }
    assert zones == {"dev": {1}, "staging": {1}, "prod": {2}}


def test_functions_have_outbound_https_and_postgres_and_nothing_inbound(assembly: Assembly):
    network = assembly.one("prod", "network")
    (functions,) = (
        group
        for group in network.all("AWS::EC2::SecurityGroup")
        if group.name.startswith("Functions")
    )
    outbound = {
        (rule["FromPort"], rule["ToPort"]) for rule in functions.properties["SecurityGroupEgress"]
    }
    assert outbound == {(443, 443), (5432, 5432)}
    assert "SecurityGroupIngress" not in functions.properties
    with_inbound = {
        assembly.target(rule.stack, rule.properties["GroupId"])
        for rule in assembly.all("AWS::EC2::SecurityGroupIngress")
    }
    assert ("reviewlens-prod-network", functions.name) not in with_inbound


def test_no_security_group_allows_all_outbound_traffic(assembly: Assembly):
    groups = assembly.all("AWS::EC2::SecurityGroup")
    assert groups
    for group in groups:
        # without this property, EC2 allows all traffic
        for rule in group.properties["SecurityGroupEgress"]:
            assert rule["IpProtocol"] != "-1", str(group)


def test_buckets_of_other_accounts_cannot_be_reached(assembly: Assembly):
    (gateway,) = (
        endpoint
        for endpoint in assembly.one("prod", "network").all("AWS::EC2::VPCEndpoint")
        if endpoint.properties["VpcEndpointType"] == "Gateway"
    )
    (statement,) = gateway.properties["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_rejected_traffic_is_logged(assembly: Assembly):
    (flow_log,) = assembly.one("prod", "network").all("AWS::EC2::FlowLog")
    assert flow_log.properties["TrafficType"] == "REJECT"
