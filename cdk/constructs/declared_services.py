"""The services of docker-compose.prod.yml, as deploy/services.json declares them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cdk.paths import ROOT

_MIB_PER_CPU_SHARE = 2
"""Fargate has at least 2 MiB of memory for each of the 1,024 shares of a processor."""
_FILE_SECRET = re.compile(r"file:/run/secrets/(\w+)")
_NOT_ON_AWS = frozenset({"AWS_SHARED_CREDENTIALS_FILE"})
"""A task has a role."""


@dataclass(frozen=True)
class DeclaredService:
    """One service: what its container runs, and what it needs."""

    name: str
    declaration: Mapping[str, Any]
    common: Mapping[str, Mapping[str, Any]]

    @property
    def kind(self) -> str:
        """``api``, ``worker``, ``page``, ``proxy`` or ``once``."""
        return str(self.declaration["kind"])

    @property
    def secrets_by_arn(self) -> list[str]:
        """Names of the secrets that it reads itself: a file in Compose, an ARN on AWS."""
        values = (str(setting.get("value")) for setting in self.settings().values())
        return [match[1] for value in values if (match := _FILE_SECRET.fullmatch(value))]

    @property
    def cpu(self) -> int:
        """Shares of a processor for Fargate: half of the limit in Compose."""
        return int(self.declaration["cpus"] * 512)

    @property
    def memory_mib(self) -> int:
        """Memory for Fargate: the limit in Compose, or the least that Fargate has."""
        return max(int(self.declaration["memory_mib"]), _MIB_PER_CPU_SHARE * self.cpu)

    @property
    def health_command(self) -> list[str] | None:
        """Command that asks the health route; None where the load balancer asks."""
        probe = self.declaration["probe"]
        if not probe or not probe["path"]:
            return None
        url = f"http://127.0.0.1:{self.declaration['port']}{probe['path']}"
        if self.kind == "proxy":
            return ["CMD", "wget", "-q", "-O", "/dev/null", url]
        return ["CMD", "python", "-m", "local.services", "probe", url]

    def settings(self) -> dict[str, Mapping[str, Any]]:
        """Name of a variable → its ``value``, or the ``parameter`` that gives it."""
        common = self.common if self.declaration["common_settings"] else {}
        return {
            name: setting
            for name, setting in {**common, **self.declaration["settings"]}.items()
            if name not in _NOT_ON_AWS
        }

    def environment(
        self, parameters: Mapping[str, str], secrets: Mapping[str, str], proxy: str
    ) -> dict[str, str]:
        """The environment of its container.

        Args:
            parameters: name of a parameter → its value.
            secrets: name of a secret → its ARN, in place of a file.
            proxy: host of the proxy.
        """
        values = {}
        for name, setting in self.settings().items():
            value = setting.get("value")
            if value is None:
                values[name] = parameters[setting["parameter"]]
            elif match := _FILE_SECRET.fullmatch(value):
                values[name] = secrets[match[1]]
            else:
                values[name] = value.replace("//proxy:", f"//{proxy}:")
        return values


@cache
def declared_services() -> dict[str, DeclaredService]:
    """All services by their names."""
    document = json.loads((ROOT / "deploy/services.json").read_text("utf-8"))
    return {
        name: DeclaredService(name, declaration, document["settings"])
        for name, declaration in document["services"].items()
    }


def parameters() -> dict[str, Mapping[str, Any]]:
    """Parameters of all services → their ``default`` and whether they are ``required``."""
    return {
        setting["parameter"]: setting
        for service in declared_services().values()
        for setting in service.settings().values()
        if "parameter" in setting
    }


def proxy_files(domain: str) -> dict[str, str]:
    """Name of a file of the proxy → its text, with all paths in /tmp and names in a domain.

    ``@nameserver@`` stands for the name server, which a task knows when it starts.
    """
    files = {}
    for name in declared_services()["proxy"].declaration["files"].values():
        text = (ROOT / "deploy/compose" / name).read_text("utf-8")
        text = text.replace("resolver 127.0.0.11 ", "resolver @nameserver@ ")
        text = text.replace("/etc/nginx/", "/tmp/").replace("/run/secrets/", "/tmp/")  # noqa: S108
        for service in declared_services().values():
            port = service.declaration["port"]
            if service.kind == "api":
                text = text.replace(f" {service.name}:{port};", f" {service.name}.{domain}:{port};")
        files[name] = text
    return files
