"""What an account lacks, found before the deployment.

The account is simulated by moto, except for what it lacks: quotas, the concurrency of Lambda and
connections to source hosts.
"""

import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from scripts.release import preflight
from scripts.release.account_checks import check_account, check_connection, check_jobs
from scripts.release.account_needs import Need, needs_of

ALARM_ADDRESS = "/reviewlens/dev/alarm-email"
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
DEV = Need(
    environments=("dev",),
    reserved=0,
    workers=6,
    parameters=(ALARM_ADDRESS,),
    bootstrap_version=6,
    endpoint_services=("sqs",),
    endpoint_zones=1,
    training=(("ml.g5.xlarge", True),),
    pipeline=False,
)


class Quotas:
    """Service Quotas with some quotas of SageMaker, and the networks of moto."""

    def __init__(self, quotas):
        self.quotas = {"vpc": {"VPCs per Region": 5.0}, "sagemaker": quotas}

    def get_paginator(self, operation):
        assert operation in ("list_service_quotas", "list_aws_default_service_quotas")
        return self

    def paginate(self, ServiceCode):  # noqa: N803 - boto3's name
        quotas = self.quotas[ServiceCode].items()
        return [{"Quotas": [{"QuotaName": name, "Value": value} for name, value in quotas]}]


class Functions:
    """Lambda with a concurrency limit, of which functions have reserved some."""

    def __init__(self, limit, **reserved):
        self.limit, self.reserved = limit, reserved

    def get_account_settings(self):
        free = self.limit - sum(self.reserved.values())
        limits = {"ConcurrentExecutions": self.limit, "UnreservedConcurrentExecutions": free}
        return {"AccountLimit": limits}

    def get_paginator(self, operation):
        assert operation == "list_functions"
        return self

    def paginate(self):
        return [{"Functions": [{"FunctionName": _name(name)}]} for name in self.reserved]

    def get_function_concurrency(self, FunctionName):  # noqa: N803 - boto3's name
        return {"ReservedConcurrentExecutions": self.reserved[FunctionName.replace("-", "_")]}


def _name(argument):
    return argument.replace("_", "-")


class Connections:
    """Connections to source hosts, in pages of one."""

    def __init__(self, **states):
        self.states = list(states.items())

    def list_connections(self, NextToken="0"):  # noqa: N803 - boto3's name
        page = int(NextToken)
        if page >= len(self.states):
            return {"Connections": []}
        name, state = self.states[page]
        more = {"NextToken": str(page + 1)} if page + 1 < len(self.states) else {}
        return {"Connections": [{"ConnectionName": name, "ConnectionStatus": state}], **more}


ALL_JOBS = {
    "ml.g5.xlarge for spot training job usage": 1.0,
    "ml.c5.2xlarge for processing job usage": 4.0,
    "ml.c5.xlarge for processing job usage": 4.0,
}


NEW = Functions(10)


@pytest.fixture
def account(aws_client):
    """``account(quotas=…)`` returns ``client``; parameters are removed at the end."""
    ssm = aws_client("ssm")

    def make(quotas=ALL_JOBS, connections=None, parameters=(), functions=NEW):
        for name, value in parameters:
            ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        fakes = {"service-quotas": Quotas(quotas), "codeconnections": connections}
        fakes["lambda"] = functions
        return lambda service: fakes.get(service) or aws_client(service)

    yield make
    ssm.delete_parameters(Names=[ALARM_ADDRESS, BOOTSTRAP])


def lacks(client, need):
    return {
        f.subject: f"{f.message}; do: {f.action}" for f in check_account(client, need) if f.action
    }


def test_an_account_with_everything_lacks_nothing(account):
    client = account(parameters=[(BOOTSTRAP, "21"), (ALARM_ADDRESS, "you@example.org")])
    assert lacks(client, DEV) == {}


def test_an_empty_account_lacks_each_thing_with_what_to_do(account):
    missing = lacks(account(quotas={}), DEV)
    assert missing["bootstrap"] == "there is no bootstrap stack; do: run npx cdk bootstrap"
    assert f"put-parameter --type String --name {ALARM_ADDRESS}" in missing["parameter"]
    assert "for processing job usage" in missing["jobs"]
    assert missing.keys() == {"bootstrap", "parameter", "jobs"}


def test_an_older_bootstrap_stack_is_not_enough(account):
    missing = lacks(account(parameters=[(BOOTSTRAP, "5")]), DEV)
    assert missing["bootstrap"].startswith("the bootstrap stack has version 5, not 6 or newer")


@pytest.mark.parametrize(
    ("functions", "reserved", "needed"),
    [
        (NEW, 80, "10 of 10 concurrent invocations are free, 180 are needed; do: request 180 "),
        (
            Functions(1000, other=850),
            80,
            "150 of 1000 concurrent invocations are free, 180 are needed; do: request 1030 ",
        ),
        (Functions(1000, other=820, reviewlens_dev_F=80), 80, None),
        (Functions(5), 0, "5 of 5 concurrent invocations are free, 6 are needed; do: request 6 "),
    ],
    ids=["new", "others", "deployed-already", "small"],
)
def test_too_little_concurrency_is_missing(account, functions, reserved, needed):
    missing = lacks(account(functions=functions), replace(DEV, reserved=reserved))
    assert ("concurrency" in missing) == (needed is not None)
    assert missing.get("concurrency", "").startswith(needed or "")


def test_a_zone_without_an_endpoint_or_without_lambda_is_missing(account):
    missing = lacks(account(), replace(DEV, endpoint_services=("sagemaker.api", "sqs")))
    assert "zones" not in missing
    client = account()

    class Zones:
        meta = client("ec2").meta

        def describe_availability_zones(self, **_):
            zones = [("eu-west-1b", "use1-az3"), ("eu-west-1a", "use1-az1"), ("eu-west-1c", "x")]
            return {"AvailabilityZones": [{"ZoneName": n, "ZoneId": i} for n, i in zones]}

        def describe_vpc_endpoint_services(self, ServiceNames):  # noqa: N803 - boto3's name
            details = [
                {"ServiceName": n, "AvailabilityZones": ["eu-west-1b"]} for n in ServiceNames
            ]
            return {"ServiceDetails": details}

        get_paginator = client("ec2").get_paginator

    found = lacks(lambda service: Zones() if service == "ec2" else client(service), DEV)
    assert "eu-west-1b has no Lambda, eu-west-1a has no endpoint of sqs" in found["zones"]


def test_a_gpu_quota_of_zero_is_named(account):
    quotas = {**ALL_JOBS, "ml.g5.xlarge for spot training job usage": 0.0}
    findings = [f for f in check_jobs(account(quotas=quotas), DEV) if f.action]
    assert [f.message for f in findings] == ["ml.g5.xlarge for spot training job usage: 0"]
    (finding, *_) = check_jobs(account(quotas={}), DEV)
    assert finding.message == "there is no quota ml.g5.xlarge for spot training job usage"
    on_demand = replace(DEV, training=(("ml.g5.xlarge", False),))
    (finding,) = [f for f in check_jobs(account(), on_demand) if f.action]
    assert finding.message == "there is no quota ml.g5.xlarge for training job usage"


def test_a_pending_connection_is_not_enough_for_the_pipeline(account):
    need = replace(DEV, pipeline=True)
    client = account(connections=Connections(a="PENDING", b="PENDING"))
    (finding,) = check_connection(client, need)
    assert finding.message == "a is PENDING, b is PENDING"
    assert "authorize it" in finding.action
    (finding,) = check_connection(
        account(connections=Connections(a="PENDING", b="AVAILABLE")), need
    )
    assert not finding.action
    assert not list(check_connection(client, DEV))


def test_a_check_that_is_not_allowed_is_reported_and_the_others_run(account):
    client = account()

    def refuse(service):
        if service == "lambda":
            denied = {"Error": {"Code": "AccessDeniedException", "Message": "not allowed"}}
            raise ClientError(denied, "GetAccountSettings")
        return client(service)

    missing = lacks(refuse, DEV)
    assert missing["concurrency"].startswith("cannot be read: ")
    assert "\n" not in missing["concurrency"]
    assert "AccessDeniedException" in missing["concurrency"]
    assert {"bootstrap", "parameter"} < missing.keys()


def write_assembly(folder, *, pinned):
    stage = folder / "assembly-reviewlens-dev"
    stage.mkdir(parents=True)
    version = {"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}
    template = {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": BOOTSTRAP,
            },
            "Address": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": ALARM_ADDRESS},
        },
        "Rules": {"CheckBootstrapVersion": {"Assertions": [{"Assert": {"Fn::Not": [version]}}]}},
        "Resources": {
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Environment": {
                        "Variables": {
                            "REVIEWLENS_TRAINING_INSTANCE_TYPE": "ml.g5.xlarge",
                            "REVIEWLENS_TRAINING_SPOT": "true",
                        }
                    }
                },
            },
            "S": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"ScalingConfig": {"MaximumConcurrency": 6}},
            },
            "E": {
                "Type": "AWS::EC2::VPCEndpoint",
                "Properties": {
                    "VpcEndpointType": "Interface",
                    "ServiceName": {
                        "Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, ".sqs"]]
                    },
                    "SubnetIds": ["one"],
                },
            },
        },
    }
    (stage / "stack.template.json").write_text(json.dumps(template))
    source = {"dockerBuildArgs": {"BASE_IMAGE": "image@sha256:12"}} if pinned else {}
    assets = {"version": "54.0.0", "dockerImages": {"1": {"displayName": "one", "source": source}}}
    (stage / "stack.assets.json").write_text(json.dumps(assets))
    return folder


def test_the_needs_are_those_of_the_templates(tmp_path):
    assert needs_of(write_assembly(tmp_path, pinned=True), ["dev"]) == DEV
    with pytest.raises(LookupError, match="no template of prod: run make synth"):
        needs_of(tmp_path, ["dev", "prod"])


def test_images_without_a_digest_are_missing(tmp_path):
    (finding,) = preflight.check_images(write_assembly(tmp_path / "1", pinned=False))
    assert finding.message == "the base image of one has no digest"
    assert "pin_base_images.py" in finding.action
    (finding,) = preflight.check_images(write_assembly(tmp_path / "2", pinned=True))
    assert not finding.action


def test_without_an_assembly_nothing_is_checked(tmp_path, capsys):
    assert preflight.main([str(tmp_path)]) == 1
    assert "run make synth" in capsys.readouterr().err
