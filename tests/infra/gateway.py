"""The API in a template: its routes and the functions behind them."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.infra.templates import Assembly, Resource, Template, as_list


class Method(NamedTuple):
    """One method of one path."""

    path: str
    verb: str
    resource: Resource

    @property
    def access(self) -> str:
        """``iam``, ``key`` or ``open``."""
        properties = self.resource.properties
        if properties["AuthorizationType"] == "AWS_IAM":
            return "iam"
        assert properties["AuthorizationType"] == "NONE"
        return "key" if properties["ApiKeyRequired"] else "open"


def methods(template: Template) -> list[Method]:
    """All methods of the API of a template."""
    parts = {part.name: part.properties for part in template.all("AWS::ApiGateway::Resource")}

    def path(reference: dict) -> str:
        if "Ref" not in reference:
            return ""
        part = parts[reference["Ref"]]
        return f"{path(part['ParentId'])}/{part['PathPart']}"

    return [
        Method(path(method.properties["ResourceId"]), method.properties["HttpMethod"], method)
        for method in template.all("AWS::ApiGateway::Method")
    ]


def alias_of(assembly: Assembly, method: Method) -> Resource:
    """The alias that a method calls."""
    (uri,) = method.resource.properties["Integration"]["Uri"].values()
    (reference,) = [
        part for part in uri[1] if isinstance(part, dict) and "AWS::" not in part["Ref"]
    ]
    alias = assembly.resource(method.resource.stack, reference)
    assert alias.definition["Type"] == "AWS::Lambda::Alias"
    return alias


def function_of(assembly: Assembly, alias: Resource) -> Resource:
    """The function of an alias."""
    return assembly.resource(alias.stack, alias.properties["FunctionName"])


def service_of(function: Resource) -> str:
    """The service whose code a function runs."""
    properties = function.properties
    entry = properties.get("Handler") or properties["ImageConfig"]["Command"][0]
    return entry.split(".")[1]


def aliases(template: Template) -> Iterator[Resource]:
    """The aliases of the functions behind the API."""
    resources = template.all("AWS::Lambda::Alias")
    assert resources
    yield from resources


def metric_of(alarm: Resource) -> str:
    """The name of the Lambda metric that an alarm watches."""
    properties = alarm.properties
    if "MetricName" in properties:
        return properties["MetricName"]
    (name,) = {
        query["MetricStat"]["Metric"]["MetricName"]
        for query in properties["Metrics"]
        if query.get("MetricStat", {}).get("Metric", {}).get("Namespace") == "AWS/Lambda"
    }
    return name


def permissions(assembly: Assembly, api: Template, service: str) -> tuple[Resource, list[dict]]:
    """The function of a service, and the statements of its role's policies."""
    (function,) = [
        function_of(assembly, alias)
        for alias in aliases(api)
        if service_of(function_of(assembly, alias)) == service
    ]
    return function, statements_of(assembly, function)


def statements_of(assembly: Assembly, function: Resource) -> list[dict]:
    """The statements of all policies of a function's role."""
    stack = function.stack
    role = assembly.target(stack, function.properties["Role"])
    return [
        statement
        for policy in stack.all("AWS::IAM::Policy")
        if any(assembly.target(stack, each) == role for each in policy.properties["Roles"])
        for statement in policy.properties["PolicyDocument"]["Statement"]
    ]


def allowed_actions(statements: list[dict]) -> set[str]:
    """All actions of some statements."""
    return {action for statement in statements for action in as_list(statement["Action"])}


def object_prefixes(statements: list[dict], action: str) -> set[str]:
    """The object key patterns of the one statement that allows an action."""
    (statement,) = [s for s in statements if action in as_list(s["Action"])]
    return {resource["Fn::Join"][1][-1] for resource in as_list(statement["Resource"])}
