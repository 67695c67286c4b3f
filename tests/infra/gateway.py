"""Reading the API out of a template: its routes, and what answers them."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.infra.templates import Assembly, Found, Template


class Method(NamedTuple):
    """One method of one path."""

    path: str
    verb: str
    found: Found

    @property
    def access(self) -> str:
        """``iam``, ``key`` or ``open``."""
        if self.found.properties["AuthorizationType"] == "AWS_IAM":
            return "iam"
        assert self.found.properties["AuthorizationType"] == "NONE"
        return "key" if self.found.properties["ApiKeyRequired"] else "open"


def methods(template: Template) -> list[Method]:
    """All methods of the API of a template."""
    parts = {found.name: found.properties for found in template.all("AWS::ApiGateway::Resource")}

    def path(resource: dict) -> str:
        if "Ref" not in resource:
            return ""
        said = parts[resource["Ref"]]
        return f"{path(said['ParentId'])}/{said['PathPart']}"

    return [
        Method(path(found.properties["ResourceId"]), found.properties["HttpMethod"], found)
        for found in template.all("AWS::ApiGateway::Method")
    ]


def alias_of(assembly: Assembly, method: Method) -> Found:
    """The alias that a method calls."""
    (uri,) = method.found.properties["Integration"]["Uri"].values()
    (alias,) = [part for part in uri[1] if isinstance(part, dict) and "AWS::" not in part["Ref"]]
    found = assembly.resource(method.found.stack, alias)
    assert found.resource["Type"] == "AWS::Lambda::Alias"
    return found


def function_of(assembly: Assembly, alias: Found) -> Found:
    """The function of an alias."""
    return assembly.resource(alias.stack, alias.properties["FunctionName"])


def service_of(function: Found) -> str:
    """The service whose code a function runs."""
    said = function.properties
    entry = said.get("Handler") or said["ImageConfig"]["Command"][0]
    return entry.split(".")[1]


def aliases(template: Template) -> Iterator[Found]:
    """The aliases of the functions behind the API."""
    found = template.all("AWS::Lambda::Alias")
    assert found
    yield from found


def metric_of(alarm: Found) -> str:
    said = alarm.properties
    if "MetricName" in said:
        return said["MetricName"]
    (name,) = {
        each["MetricStat"]["Metric"]["MetricName"]
        for each in said["Metrics"]
        if each.get("MetricStat", {}).get("Metric", {}).get("Namespace") == "AWS/Lambda"
    }
    return name


def rights(assembly: Assembly, api, service: str) -> tuple[Found, list[dict]]:
    (function,) = [
        function_of(assembly, alias)
        for alias in aliases(api)
        if service_of(function_of(assembly, alias)) == service
    ]
    role = assembly.target(api, function.properties["Role"])
    return function, [
        statement
        for policy in api.all("AWS::IAM::Policy")
        if any(assembly.target(api, each) == role for each in policy.properties["Roles"])
        for statement in policy.properties["PolicyDocument"]["Statement"]
    ]
