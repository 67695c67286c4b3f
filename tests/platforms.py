"""The containers that the files of each platform declare, in one form that can be compared."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from cdk.paths import ROOT
from scripts.docs.settings_page import settings_classes
from scripts.release.helm import helm

PARAMETERS = dict(
    line.split("=", 1)
    for line in (ROOT / "deploy/compose/prod.env.example").read_text().splitlines()
    if not line.startswith("#")
)
"""What a user sets: the same for all platforms, so that their values can be compared."""
NO_PARAMETERS = {"REVIEWLENS_IMAGE", "SECRETS", "PAGE_HOST"}
CHART = ROOT / "deploy/helm/reviewlens"


FUNCTIONS = {
    "worker": ("collection", "processing", "retrieval", "review_pictures"),
    # it also publishes a model
    "prepare": ("migrations", "inference"),
}
"""Service → the functions that it runs; a service with routes runs the function of its name."""


def secrets_needed(service):
    """Names of the files in /run/secrets that the settings of a service can name."""
    fields = set()
    for name in FUNCTIONS.get(service, (service,)):
        fields |= dict(settings_classes())[name].model_fields.keys()
    needed = set()
    if "database_secret_id" in fields:
        needed.add("database")
    if "reviewer_key_secret_id" in fields:
        needed.add("reviewer_key")
    if any(field.endswith(("_bucket", "_queue_url")) for field in fields):
        needed.add("aws_credentials")
    return needed


@dataclass(frozen=True)
class Container:
    """What a container runs, and what it is given."""

    command: tuple[str, ...]
    port: int | None
    probe: str | None
    """Path that says whether it works; None where any answer of the port does."""
    user: int
    environment: dict[str, str] = field(repr=False)
    secrets: frozenset[str]
    """Names of the files in /run/secrets."""
    folders: frozenset[str]
    memory_mib: int
    replicas: int
    stop_seconds: int


def compose_containers(project):
    """The containers of a resolved Compose file."""
    return {name: _compose_container(each) for name, each in project["services"].items()}


def _compose_container(service):
    test = service.get("healthcheck", {"test": []})["test"]
    place = urlsplit(test[-1]) if test and test[-1].startswith("http") else None
    command = service["command"]
    port = command[command.index("--port") + 1] if "--port" in command else None
    if port is None and service.get("ports"):
        port = service["ports"][0]["target"]
    if place:
        assert place.port == int(port)
    return Container(
        command=tuple(command),
        port=None if port is None else int(port),
        probe=place.path if place else None,
        user=int(service["user"].partition(":")[0]),
        environment=service.get("environment") or {},
        secrets=frozenset(
            each["target"].removeprefix("/run/secrets/") for each in service.get("secrets") or []
        ),
        folders=frozenset(volume["target"] for volume in service.get("volumes") or []),
        memory_mib=int(service["deploy"]["resources"]["limits"]["memory"]) // 2**20,
        replicas=service["deploy"].get("replicas", 1),
        stop_seconds=_seconds(service.get("stop_grace_period", "10s")),
    )


def _seconds(duration):
    """Seconds of a duration as Compose writes it, such as 1m30s."""
    minutes, _, seconds = duration.rpartition("m")
    return int(minutes or 0) * 60 + int(seconds.removesuffix("s"))


def chart_values(**changed):
    """Values of the chart with the parameters of all platforms."""
    settings = {
        name.lower(): value for name, value in PARAMETERS.items() if name not in NO_PARAMETERS
    }
    repository, _, digest = PARAMETERS["REVIEWLENS_IMAGE"].partition("@")
    values = {
        "image": {"repository": repository, "digest": digest},
        "settings": settings,
        "ingress": {"pageHost": PARAMETERS["PAGE_HOST"]},
    }
    return values | changed


def render(values, *arguments):
    """What Helm makes of the chart: the documents, or its words if it refuses the values."""
    done = subprocess.run(
        [
            helm(),
            "template",
            "reviewlens",
            CHART,
            "--namespace",
            "shop",
            "--values",
            "-",
            *arguments,
        ],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return [], done.stderr
    return [each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each], ""


def pods(documents):
    """Name of a service → the template of its pods, and what makes them."""
    return {
        each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: (
            each["spec"]["template"]["spec"],
            each,
        )
        for each in documents
        if each["kind"] in {"Deployment", "Job"}
    }


def chart_containers(documents):
    """The containers of a rendered chart."""
    return {name: _pod_container(pod, owner) for name, (pod, owner) in pods(documents).items()}


def _pod_container(pod, owner):
    (container,) = pod["containers"]
    ports = [each["containerPort"] for each in container.get("ports", [])]
    probe = container.get("readinessProbe", {}).get("httpGet", {})
    volumes = {each["name"]: each for each in pod["volumes"]}
    mounts = {each["mountPath"]: volumes[each["name"]] for each in container["volumeMounts"]}
    secrets = mounts.get("/run/secrets", {"secret": {"items": []}})["secret"]["items"]
    assert probe.get("port", "http") == "http"
    grace = pod["terminationGracePeriodSeconds"]
    return Container(
        command=tuple(container["command"]),
        port=ports[0] if ports else None,
        probe=probe.get("path"),
        user=pod["securityContext"]["runAsUser"],
        environment={each["name"]: each["value"] for each in container["env"]}
        if "env" in container
        else {},
        secrets=frozenset(each["path"] for each in secrets),
        folders=frozenset(path for path in mounts if path.startswith("/var/lib/reviewlens/")),
        memory_mib=int(container["resources"]["limits"]["memory"].removesuffix("Mi")),
        replicas=owner["spec"].get("replicas", 1),
        stop_seconds=grace - 10,
    )


def kubernetes_errors(document, version="1.37"):
    """Where a document differs from the strict schema of its kind, in words."""
    schemas, registry = _kubernetes_schemas(version)
    group, _, number = document["apiVersion"].rpartition("/")
    parts = (document["kind"].lower(), group.partition(".")[0], number)
    path = schemas / f"{'-'.join(filter(None, parts))}.json"
    validator = Draft7Validator(json.loads(path.read_text()), registry=registry)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@cache
def _kubernetes_schemas(version):
    """The schemas of a version of Kubernetes, from the package kubernetes-validate."""
    folder = files("kubernetes_validate") / f"kubernetes-json-schema/v{version}.0-local-strict"
    name = "_definitions.json"
    definitions = json.loads((folder / name).read_text())
    return folder, Registry().with_resource(name, Resource(definitions, DRAFT7))


def lint(*arguments):
    """What `helm lint --strict` says about the chart."""
    program = [sys.executable, str(ROOT / "scripts/release/helm.py")]
    return subprocess.run(
        [*program, "lint", "--strict", str(CHART), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def cloud_run_documents():
    """Name of a file → the document with all parameters filled in."""
    parameters = PARAMETERS | {
        "PROXY_IMAGE": "nginx",
        "PICTURE_HOSTS": "",
        "IMAGE_FETCH_FUNCTION": "",
        "OTLP_ENDPOINT": "",
        "SERVICE_ACCOUNT": "reviewlens@project.iam.gserviceaccount.com",
        "CLOUD_SQL": "project:region:instance",
        "API_URL": "http://proxy:8080",
    }
    return {
        path.stem: yaml.safe_load(Template(path.read_text()).substitute(parameters))
        for path in sorted((ROOT / "deploy/cloudrun").glob("*.yaml"))
    }


def cloud_run_containers(documents):
    """The containers of all services and jobs of Cloud Run."""
    found = {}
    for document in documents.values():
        pod = document["spec"]["template"]["spec"]
        pod = pod["template"]["spec"] if document["kind"] == "Job" else pod
        volumes = {each["name"]: each["secret"] for each in pod.get("volumes", [])}
        for container in pod["containers"]:
            found[container["name"]] = _cloud_run_container(container, volumes)
    return found


def _cloud_run_container(container, volumes):
    probe = container.get("startupProbe", {})
    check = probe.get("httpGet") or probe.get("tcpSocket") or {}
    variables = container.get("env", [])
    mounted = {
        f"{each['mountPath']}/{item['path']}"
        for each in container.get("volumeMounts", [])
        for item in volumes[each["name"]]["items"]
    }
    references = {each["name"] for each in variables if "valueFrom" in each}
    return Container(
        command=(*container["command"], *container["args"]),
        port=check.get("port"),
        probe=check.get("path"),
        user=0,  # that of the image
        environment={each["name"]: each["value"] for each in variables if "value" in each},
        secrets=frozenset({path for path in mounted if "/run/secrets" in path} | references),
        folders=frozenset(),
        memory_mib=int(container["resources"]["limits"]["memory"].removesuffix("Mi")),
        replicas=1,
        stop_seconds=10,
    )
