"""What the templates of an assembly need from an account."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BOOTSTRAP = "BootstrapVersion"


@dataclass(frozen=True)
class Need:
    """The needs of some environments, in the account and region of the credentials."""

    environments: tuple[str, ...]
    reserved: int
    """Concurrent invocations that their functions reserve."""
    workers: int
    """Concurrent invocations that their queues may start."""
    parameters: tuple[str, ...]
    """SSM parameters that are read at deployment."""
    bootstrap_version: int
    endpoint_services: tuple[str, ...]
    """Services with interface endpoints, such as ``sqs``."""
    endpoint_zones: int
    """Zones that have these endpoints, of the two of the network."""
    training: tuple[tuple[str, bool], ...]
    """Instance type of training jobs, and whether they run on spot instances."""
    pipeline: bool
    """Whether the pipeline is deployed, which needs a connection."""


def needs_of(assembly: Path, environments: Sequence[str]) -> Need:
    """Read the templates of these environments, and of the pipeline if it deploys one of them.

    Raises:
        LookupError: the assembly has no template of an environment.
    """
    templates = {name: list(_templates(assembly, name)) for name in environments}
    if missing := [name for name, found in templates.items() if not found]:
        raise LookupError(f"{assembly} has no template of {', '.join(missing)}: run make synth")
    delivery = list(assembly.glob("reviewlens-delivery.template.json"))
    pipeline = bool(delivery) and any(name != "dev" for name in environments)
    bodies = [body for found in templates.values() for body in found]
    if pipeline:
        bodies += [json.loads(path.read_text(encoding="utf-8")) for path in delivery]
    functions = list(_resources(bodies, "AWS::Lambda::Function"))
    sources = _resources(bodies, "AWS::Lambda::EventSourceMapping")
    endpoints = [
        properties
        for properties in _resources(bodies, "AWS::EC2::VPCEndpoint")
        if properties["VpcEndpointType"] == "Interface"
    ]
    return Need(
        environments=tuple(environments),
        reserved=sum(f.get("ReservedConcurrentExecutions", 0) for f in functions),
        workers=sum(s.get("ScalingConfig", {}).get("MaximumConcurrency", 0) for s in sources),
        parameters=tuple(sorted({name for body in bodies for name in _ssm_parameters(body)})),
        bootstrap_version=max(map(_bootstrap_version, bodies)),
        endpoint_services=tuple(sorted({_service(e["ServiceName"]) for e in endpoints})),
        endpoint_zones=max((len(e["SubnetIds"]) for e in endpoints), default=0),
        training=tuple(sorted({job for f in functions for job in _training(f)})),
        pipeline=pipeline,
    )


def _templates(assembly: Path, environment: str) -> Iterator[dict[str, Any]]:
    for path in sorted(assembly.glob(f"assembly-*reviewlens-{environment}/*.template.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def _resources(bodies: Sequence[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    for body in bodies:
        for resource in body["Resources"].values():
            if resource["Type"] == kind:
                yield resource.get("Properties", {})


def _ssm_parameters(body: dict[str, Any]) -> Iterator[str]:
    for name, parameter in body.get("Parameters", {}).items():
        if parameter["Type"] == "AWS::SSM::Parameter::Value<String>" and name != _BOOTSTRAP:
            yield parameter["Default"]


def _bootstrap_version(body: dict[str, Any]) -> int:
    """CDK writes a rule that rejects every version below the one it needs."""
    rule = json.dumps(body.get("Rules", {}).get("CheckBootstrapVersion", {}))
    return max((int(version) for version in re.findall(r'"(\d+)"', rule)), default=0) + 1


def _service(name: Any) -> str:
    """``sqs`` from ``com.amazonaws.<region>.sqs``, which a template joins from parts."""
    text = name if isinstance(name, str) else "".join(map(str, name["Fn::Join"][1]))
    return re.sub(r"^com\.amazonaws\.(\{.*?\}|[a-z0-9-]+)\.", "", text)


def _training(function: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    variables = function.get("Environment", {}).get("Variables", {})
    if instance_type := variables.get("REVIEWLENS_TRAINING_INSTANCE_TYPE"):
        yield instance_type, variables.get("REVIEWLENS_TRAINING_SPOT") == "true"
