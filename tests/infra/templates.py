"""Reading synthesized templates: resources, references between stacks, policies."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

Resource = dict[str, Any]


class Found(NamedTuple):
    """A resource and where it stands."""

    stack: "Template"
    name: str
    properties: dict[str, Any]
    resource: Resource

    def __str__(self) -> str:
        return f"{self.stack.name}: {self.name}"


@dataclass(frozen=True)
class Template:
    """The template of one stack."""

    environment: str
    name: str
    path: Path
    body: dict[str, Any] = field(repr=False)

    def all(self, *types: str) -> list[Found]:
        """Its resources of these types."""
        return [
            Found(self, name, resource.get("Properties", {}), resource)
            for name, resource in self.body.get("Resources", {}).items()
            if resource["Type"] in types
        ]


@dataclass(frozen=True)
class Assembly:
    """All templates of a synthesis, and what the validation plugins found."""

    templates: list[Template]
    report: dict[str, Any]

    def all(self, *types: str) -> list[Found]:
        """Resources of these types in all stacks."""
        return [found for template in self.templates for found in template.all(*types)]

    def one(self, environment: str, stack: str) -> Template:
        """The template of one stack."""
        wanted = f"reviewlens-{environment}-{stack}"
        return next(template for template in self.templates if template.name == wanted)

    def target(self, at: Template, value: Any) -> tuple[str, str]:
        """The resource that a Ref, GetAtt or import leads to: stack and logical id."""
        match value:
            case {"Ref": name}:
                return at.name, name
            case {"Fn::GetAtt": [name, *_]}:
                return at.name, name
            case {"Fn::ImportValue": export}:
                for template in self.templates:
                    for output in template.body.get("Outputs", {}).values():
                        if output.get("Export", {}).get("Name") == export:
                            return self.target(template, output["Value"])
        raise LookupError(f"{at.name}: {value} leads nowhere")

    def resource(self, at: Template, value: Any) -> Found:
        """What ``target`` leads to, itself."""
        stack, name = self.target(at, value)
        template = next(template for template in self.templates if template.name == stack)
        resource = template.body["Resources"][name]
        return Found(template, name, resource.get("Properties", {}), resource)


def load(folder: Path) -> Assembly:
    """Read what synthesis wrote."""
    templates = [
        _template(manifest.parent, name, artifact["properties"])
        for manifest in sorted(folder.rglob("manifest.json"))
        for name, artifact in json.loads(manifest.read_text())["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    return Assembly(templates, json.loads((folder / "validation-report.json").read_text()))


def _template(folder: Path, artifact: str, said: dict[str, Any]) -> Template:
    # a stack outside of a stage is called as its artifact
    name = said.get("stackName", artifact)
    path = folder / said["templateFile"]
    return Template(name.split("-")[1], name, path, json.loads(path.read_text()))


def listed(value: Any) -> list[Any]:
    """A list of what may be one or many."""
    return value if isinstance(value, list) else [value]


class Said(NamedTuple):
    """A statement of a policy, and the resource that has it."""

    found: Found
    statement: dict[str, Any]

    @property
    def actions(self) -> list[str]:
        return listed(self.statement.get("Action", []))


def statements(assembly: Assembly) -> Iterator[Said]:
    """Every policy statement of every resource, wherever it stands in its properties."""
    for template in assembly.templates:
        for found in _resources(template):
            for document in _documents(found.properties):
                for statement in listed(document["Statement"]):
                    yield Said(found, statement)


def _resources(template: Template) -> Iterator[Found]:
    for name, resource in template.body.get("Resources", {}).items():
        yield Found(template, name, resource.get("Properties", {}), resource)


def _documents(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "Statement" in node and "Version" in node:
            yield node
        for value in node.values():
            yield from _documents(value)
    elif isinstance(node, list):
        for value in node:
            yield from _documents(value)


def references(node: Any) -> Iterator[Any]:
    """Every Ref, GetAtt and import in a value."""
    if isinstance(node, dict):
        if len(node) == 1 and next(iter(node)) in ("Ref", "Fn::GetAtt", "Fn::ImportValue"):
            yield node
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)
