"""Synthesized templates: resources, references between stacks, policies."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Resource(NamedTuple):
    """A resource of a template."""

    stack: "Template"
    name: str
    """Its logical id."""
    properties: dict[str, Any]
    definition: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.stack.name}: {self.name}"


@dataclass(frozen=True)
class Template:
    """The template of one stack."""

    environment: str
    name: str
    path: Path
    body: dict[str, Any] = field(repr=False)

    def all(self, *types: str) -> list[Resource]:
        """The resources of these types."""
        return [
            Resource(self, name, definition.get("Properties", {}), definition)
            for name, definition in self.body.get("Resources", {}).items()
            if definition["Type"] in types
        ]


@dataclass(frozen=True)
class Assembly:
    """All templates of a synthesis, and the report of the validation plugins."""

    templates: list[Template]
    report: dict[str, Any]

    def all(self, *types: str) -> list[Resource]:
        """Resources of these types in all stacks."""
        return [r for template in self.templates for r in template.all(*types)]

    def one(self, environment: str, stack: str) -> Template:
        """The template of one stack."""
        name = f"reviewlens-{environment}-{stack}"
        return next(template for template in self.templates if template.name == name)

    def target(self, source: Template, value: Any) -> tuple[str, str]:
        """Stack and logical id of the resource that a Ref, GetAtt or import refers to."""
        match value:
            case {"Ref": name}:
                return source.name, name
            case {"Fn::GetAtt": [name, *_]}:
                return source.name, name
            case {"Fn::ImportValue": export}:
                for template in self.templates:
                    for output in template.body.get("Outputs", {}).values():
                        if output.get("Export", {}).get("Name") == export:
                            return self.target(template, output["Value"])
        raise LookupError(f"{source.name}: {value} refers to no resource")

    def resource(self, source: Template, value: Any) -> Resource:
        """The resource that a Ref, GetAtt or import refers to."""
        stack, name = self.target(source, value)
        template = next(template for template in self.templates if template.name == stack)
        definition = template.body["Resources"][name]
        return Resource(template, name, definition.get("Properties", {}), definition)


def load(folder: Path) -> Assembly:
    """Read the output of a synthesis; build contexts of images have manifests of models."""
    templates = [
        _template(manifest.parent, name, artifact["properties"])
        for manifest in sorted(folder.rglob("manifest.json"))
        for name, artifact in json.loads(manifest.read_text()).get("artifacts", {}).items()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    return Assembly(templates, json.loads((folder / "validation-report.json").read_text()))


def _template(folder: Path, artifact: str, properties: dict[str, Any]) -> Template:
    # a stack outside a stage has the name of its artifact
    name = properties.get("stackName", artifact)
    path = folder / properties["templateFile"]
    return Template(name.split("-")[1], name, path, json.loads(path.read_text()))


def as_list(value: Any) -> list[Any]:
    """A value that may be single or a list, as a list."""
    return value if isinstance(value, list) else [value]


class Statement(NamedTuple):
    """A statement of a policy, and the resource that contains it."""

    resource: Resource
    body: dict[str, Any]

    @property
    def actions(self) -> list[str]:
        return as_list(self.body.get("Action", []))


def statements(assembly: Assembly) -> Iterator[Statement]:
    """Every policy statement of every resource, anywhere in its properties."""
    for template in assembly.templates:
        for resource in _resources(template):
            for document in _documents(resource.properties):
                for body in as_list(document["Statement"]):
                    yield Statement(resource, body)


def _resources(template: Template) -> Iterator[Resource]:
    for name, definition in template.body.get("Resources", {}).items():
        yield Resource(template, name, definition.get("Properties", {}), definition)


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
