"""The network has no way out but the doors that its functions need."""

import pytest

from tests.infra.templates import Assembly

pytestmark = pytest.mark.timeout(600)


def test_there_is_no_nat_and_no_way_to_the_internet(assembly: Assembly):
    ways = ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP")
    assert [str(found) for found in assembly.all(*ways)] == []
    assert [str(found) for found in assembly.all("AWS::EC2::Route")] == []
    subnets = assembly.all("AWS::EC2::Subnet")
    assert subnets
    assert [str(s) for s in subnets if s.properties.get("MapPublicIpOnLaunch")] == []


def test_a_zone_may_fail(assembly: Assembly):
    for name in ("dev", "staging", "prod"):
        zones = {
            str(subnet.properties["AvailabilityZone"])
            for subnet in assembly.one(name, "network").all("AWS::EC2::Subnet")
        }
        assert len(zones) == 2


def test_only_production_pays_for_doors_in_each_zone(assembly: Assembly):
    zones = {
        name: {
            len(endpoint.properties["SubnetIds"])
            for endpoint in assembly.one(name, "network").all("AWS::EC2::VPCEndpoint")
            if endpoint.properties["VpcEndpointType"] == "Interface"
        }
        for name in ("dev", "staging", "prod")
    }
    assert zones == {"dev": {1}, "staging": {1}, "prod": {2}}


def test_functions_get_https_and_postgres_out_and_nothing_in(assembly: Assembly):
    network = assembly.one("prod", "network")
    (functions,) = (
        found
        for found in network.all("AWS::EC2::SecurityGroup")
        if found.name.startswith("Functions")
    )
    out = {
        (rule["FromPort"], rule["ToPort"]) for rule in functions.properties["SecurityGroupEgress"]
    }
    assert out == {(443, 443), (5432, 5432)}
    assert "SecurityGroupIngress" not in functions.properties
    let_in = {
        assembly.target(rule.stack, rule.properties["GroupId"])
        for rule in assembly.all("AWS::EC2::SecurityGroupIngress")
    }
    assert ("reviewlens-prod-network", functions.name) not in let_in


def test_no_security_group_is_let_out_everywhere(assembly: Assembly):
    groups = assembly.all("AWS::EC2::SecurityGroup")
    assert groups
    for group in groups:
        # without this property EC2 allows all
        for rule in group.properties["SecurityGroupEgress"]:
            assert rule["IpProtocol"] != "-1", str(group)


def test_buckets_of_others_cannot_be_reached(assembly: Assembly):
    (door,) = (
        endpoint
        for endpoint in assembly.one("prod", "network").all("AWS::EC2::VPCEndpoint")
        if endpoint.properties["VpcEndpointType"] == "Gateway"
    )
    (statement,) = door.properties["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_refused_traffic_is_logged(assembly: Assembly):
    (flows,) = assembly.one("prod", "network").all("AWS::EC2::FlowLog")
    assert flows.properties["TrafficType"] == "REJECT"
