"""Checks of an account against the needs of the templates; they only read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.promotion.settings import PromotionSettings
from scripts.release.account_needs import Need

UNRESERVED_MINIMUM = 100
"""Concurrent invocations that Lambda does not let an account reserve."""
_ZONES_WITHOUT_LAMBDA = frozenset({"use1-az3"})
_NETWORK_ZONES = 2
_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
_MAX_CHARACTERS = 200
_JOBS = ("candidate_instance_type", "activation_instance_type")
Client = Callable[[str], Any]
"""``client("lambda")``: a boto3 client."""


@dataclass(frozen=True)
class Finding:
    """What a check found; ``action`` says what to do and is empty if nothing is missing."""

    subject: str
    message: str
    action: str = ""


def check_account(client: Client, need: Need) -> Iterator[Finding]:
    """All findings; a check that the credentials do not allow is a finding too."""
    checks = (check_bootstrap, check_parameters, check_concurrency, check_networks)
    for check in (*checks, check_zones, check_jobs, check_connection):
        try:
            yield from check(client, need)
        except (ClientError, BotoCoreError) as error:
            subject = check.__name__.removeprefix("check_")
            reason = " ".join(str(error).split())[:_MAX_CHARACTERS]
            action = "use credentials that may read it, or look it up yourself"
            yield Finding(subject, f"cannot be read: {reason}", action)


def check_bootstrap(client: Client, need: Need) -> Iterator[Finding]:
    """Whether the bootstrap stack exists and is new enough for the templates."""
    value = _parameter(client, _BOOTSTRAP_PARAMETER)
    if value is None:
        yield Finding("bootstrap", "there is no bootstrap stack", "run npx cdk bootstrap")
    elif int(value) < need.bootstrap_version:
        message = f"the bootstrap stack has version {value}, not {need.bootstrap_version} or newer"
        yield Finding("bootstrap", message, "run npx cdk bootstrap again")
    else:
        yield Finding("bootstrap", f"version {value}")


def check_parameters(client: Client, need: Need) -> Iterator[Finding]:
    """Whether the SSM parameters exist that a deployment reads."""
    for name in need.parameters:
        if _parameter(client, name) is None:
            action = f"aws ssm put-parameter --type String --name {name} --value …"
            yield Finding("parameter", f"{name} does not exist", action)
        else:
            yield Finding("parameter", f"{name} exists")


def check_concurrency(client: Client, need: Need) -> Iterator[Finding]:
    """Whether the account has the concurrency that the functions reserve, or the workers use."""
    limit = client("lambda").get_account_settings()["AccountLimit"]
    total = limit["ConcurrentExecutions"]
    others = total - limit["UnreservedConcurrentExecutions"] - _reserved_by(client, need)
    required = need.reserved + UNRESERVED_MINIMUM if need.reserved else need.workers
    free = total - others
    message = f"{free} of {total} concurrent invocations are free, {required} are needed"
    if free >= required:
        yield Finding("concurrency", message)
    else:
        action = f"request {required + others} for Lambda's quota Concurrent executions"
        yield Finding("concurrency", message, action)


def _reserved_by(client: Client, need: Need) -> int:
    """What the functions of these environments reserve already."""
    functions = client("lambda").get_paginator("list_functions").paginate()
    names = [f["FunctionName"] for page in functions for f in page["Functions"]]
    prefixes = tuple(f"reviewlens-{name}-" for name in need.environments)
    settings = (
        client("lambda").get_function_concurrency(FunctionName=name)
        for name in names
        if name.startswith(prefixes)
    )
    return sum(setting.get("ReservedConcurrentExecutions", 0) for setting in settings)


def check_networks(client: Client, need: Need) -> Iterator[Finding]:
    """Whether another network per environment fits into the quota of the region."""
    pages = client("ec2").get_paginator("describe_vpcs").paginate()
    tags = [{t["Key"]: t["Value"] for t in v.get("Tags", [])} for p in pages for v in p["Vpcs"]]
    present = {tag.get("reviewlens:environment") for tag in tags}
    new = len(set(need.environments) - present)
    quota = _quota(client, "vpc", "VPCs per Region")
    message = f"{len(tags)} of {quota or 0:.0f} networks exist, {new} more are needed"
    lacks = len(tags) + new > (quota or 0)
    yield Finding("networks", message, "request more VPCs per Region" if lacks else "")


def check_zones(client: Client, need: Need) -> Iterator[Finding]:
    """Whether the network's zones, the first two by name, have Lambda and the endpoints."""
    ec2 = client("ec2")
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    zones = ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    first = sorted(zones, key=lambda zone: zone["ZoneName"])[:_NETWORK_ZONES]
    names = [zone["ZoneName"] for zone in first]
    lacking = [z["ZoneName"] for z in first if z.get("ZoneId") in _ZONES_WITHOUT_LAMBDA]
    lacks = [f"{zone} has no Lambda" for zone in lacking]
    region = ec2.meta.region_name
    services = [f"com.amazonaws.{region}.{name}" for name in need.endpoint_services]
    details = ec2.describe_vpc_endpoint_services(ServiceNames=services)["ServiceDetails"]
    offered = {detail["ServiceName"]: detail["AvailabilityZones"] for detail in details}
    lacks += [
        f"{zone} has no endpoint of {service.rpartition(f'{region}.')[2]}"
        for service in services
        for zone in names[: need.endpoint_zones]
        if zone not in offered.get(service, [])
    ]
    action = "choose another region, or set the zones of the network in cdk/stacks/network.py"
    message = ", ".join(lacks) or f"{' and '.join(names)} have Lambda and the endpoints"
    yield Finding("zones", message, action if lacks else "")


def check_jobs(client: Client, need: Need) -> Iterator[Finding]:
    """Whether the account may start the instances of the jobs, GPUs among them."""
    fields = PromotionSettings.model_fields
    quotas = [
        f"{kind} for {'spot ' if spot else ''}training job usage" for kind, spot in need.training
    ]
    quotas += [f"{fields[job].default} for processing job usage" for job in _JOBS]
    for name in quotas:
        value = _quota(client, "sagemaker", name)
        if value is None:
            action = "is the instance type offered in this region? See Service Quotas, SageMaker"
            yield Finding("jobs", f"there is no quota {name}", action)
            continue
        action = f"request 1 for SageMaker's quota {name}" if value < 1 else ""
        yield Finding("jobs", f"{name}: {value:.0f}", action)


def check_connection(client: Client, need: Need) -> Iterator[Finding]:
    """Whether there is a connection to a source host that someone has authorized."""
    if not need.pipeline:
        return
    connections: list[Any] = []
    token: dict[str, str] = {}
    while True:
        page = client("codeconnections").list_connections(**token)
        connections += page["Connections"]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    states = {each["ConnectionName"]: each["ConnectionStatus"] for each in connections}
    if "AVAILABLE" in states.values():
        yield Finding("connection", "there is an authorized connection")
    else:
        message = ", ".join(f"{name} is {state}" for name, state in sorted(states.items()))
        action = "create a connection, and authorize it (Developer Tools, Connections)"
        yield Finding("connection", message or "there is none to a source host", action)


def _parameter(client: Client, name: str) -> str | None:
    ssm = client("ssm")
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return None


def _quota(client: Client, service: str, name: str) -> float | None:
    """The value of a quota by its name, that of the account before the default."""
    quotas = client("service-quotas")
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in quotas.get_paginator(operation).paginate(ServiceCode=service):
            for quota in page["Quotas"]:
                if quota["QuotaName"] == name:
                    return float(quota["Value"])
    return None
