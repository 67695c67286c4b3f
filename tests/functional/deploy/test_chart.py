"""The Helm chart, as Helm renders it: valid, hardened, and the same containers as with Compose."""

import re
import tomllib

import pytest
import yaml

from cdk.paths import ROOT
from local.services.ports import APIS
from tests.containers import compose_config
from tests.platforms import (
    CHART,
    chart_containers,
    chart_values,
    compose_containers,
    kubernetes_errors,
    lint,
    pods,
    render,
    secrets_needed,
)

PROD = ("--env-file", "deploy/compose/prod.env.example", "-f", "docker-compose.prod.yml")
SCALED = {"inference", "retrieval"}
MONITORING = {"kubernetes.io/metadata.name": "monitoring"}


@pytest.fixture(scope="module")
def documents():
    rendered, problem = render(chart_values())
    assert not problem
    return rendered


@pytest.fixture(scope="module")
def expected(project):
    return compose_containers(compose_config(project, *PROD))


def of_kind(documents, kind):
    return {each["metadata"]["name"]: each for each in documents if each["kind"] == kind}


def test_helm_finds_nothing_to_change():
    done = lint("--values", str(ROOT / "deploy/helm/example.yaml"))
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout + done.stderr


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_accepts_every_document(version):
    # with everything that is off otherwise
    folders = {"training": {"size": "20Gi", "persistent": True, "storageClass": "gp3"}}
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/reviewlens"}
    rendered, problem = render(
        chart_values(folders=folders, serviceAccount={"annotations": annotations})
    )
    assert not problem
    assert {each["kind"] for each in rendered} >= {"PersistentVolumeClaim", "NetworkPolicy"}
    for document in rendered:
        assert kubernetes_errors(document, version) == [], document["metadata"]["name"]


def test_an_invalid_document_would_be_noticed(documents):
    service = next(iter(of_kind(documents, "Service").values()))
    assert kubernetes_errors(service | {"spec": {"portz": []}})


def test_containers_are_those_of_compose(documents, expected):
    rendered = chart_containers(documents)
    assert rendered.keys() == expected.keys()
    for name, container in rendered.items():
        want = expected[name]
        assert (container.command, container.port) == (want.command, want.port), name
        assert (container.probe, container.user) == (want.probe, want.user), name
        assert (container.secrets, container.folders) == (want.secrets, want.folders), name
        assert container.memory_mib == want.memory_mib, name
        assert container.stop_seconds == want.stop_seconds, name
        address = "http://reviewlens-proxy:8080"
        there = {k: v.replace("http://proxy:8080", address) for k, v in want.environment.items()}
        assert container.environment == there, name


def test_with_a_role_of_aws_a_pod_still_has_its_own_secrets_alone(expected):
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/reviewlens"}
    rendered, problem = render(
        chart_values(awsCredentials=False, serviceAccount={"annotations": annotations})
    )
    assert not problem
    accounts = of_kind(rendered, "ServiceAccount")
    for name, (pod, _) in pods(rendered).items():
        (container,) = pod["containers"]
        mounted = {each["mountPath"] for each in container["volumeMounts"]}
        volumes = [each["secret"] for each in pod["volumes"] if "secret" in each]
        names = {item["path"] for volume in volumes for item in volume["items"]}
        assert names == expected[name].secrets - {"aws_credentials"}, name
        # a volume without items would have all keys
        assert len(volumes) == bool(names) == ("/run/secrets" in mounted), name
        account = accounts[pod["serviceAccountName"]]["metadata"]
        uses_aws = "aws_credentials" in expected[name].secrets
        assert ("eks.amazonaws.com/role-arn" in account.get("annotations", {})) is uses_aws, name


def test_pods_have_no_rights(documents):
    for name, (pod, _) in pods(documents).items():
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["resources"].keys() == {"requests", "limits"}, name
        assert not any("hostPath" in volume for volume in pod["volumes"]), name
    for account in of_kind(documents, "ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_the_network_is_closed_but_for_what_services_need(documents):
    policies = of_kind(documents, "NetworkPolicy")
    default = policies.pop("reviewlens-default")["spec"]
    assert default["podSelector"]["matchLabels"].keys() == {
        "app.kubernetes.io/instance",
        "app.kubernetes.io/name",
    }
    assert "ingress" not in default
    assert [each["ports"][0]["port"] for each in default["egress"]] == [53]
    calls, outside = set(), {}
    for name, policy in policies.items():
        own = name.removeprefix("reviewlens-")
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        for rule in policy["spec"]["egress"]:
            (port,) = (each["port"] for each in rule["ports"])
            for peer in rule["to"]:
                if "podSelector" in peer:
                    calls.add((own, component(peer), port))
                else:
                    outside.setdefault(own, set()).add(port)
    assert calls == {("proxy", name, port) for name, port in APIS.items()} | {
        ("frontend", "proxy", 8080)
    }
    answered = {
        (component(peer), name.removeprefix("reviewlens-"), rule["ports"][0]["port"])
        for name, policy in policies.items()
        for rule in policy["spec"].get("ingress", [])
        for peer in rule["from"]
        if "podSelector" in peer
    }
    assert answered == calls
    assert outside.pop("frontend") == {443}
    assert "proxy" not in outside
    assert outside == {
        name: ({443} if "aws_credentials" in needed else set())
        | ({5432} if "database" in needed else set())
        for name in (*APIS, "worker", "prepare")
        for needed in [secrets_needed(name)]
    }
    assert pods(documents).keys() == {name.removeprefix("reviewlens-") for name in policies}


def test_metrics_are_open_to_prometheus_alone_and_only_if_they_are_served():
    settings = chart_values()["settings"] | {"metrics_port": "9464"}
    rendered, problem = render(chart_values(settings=settings))
    assert not problem
    opened = {
        name.removeprefix("reviewlens-")
        for name, policy in of_kind(rendered, "NetworkPolicy").items()
        for rule in policy["spec"].get("ingress", [])
        if rule["ports"] == [{"protocol": "TCP", "port": 9464}]
        and rule["from"] == [{"namespaceSelector": {"matchLabels": MONITORING}}]
    }
    assert opened == {*APIS, "worker"}
    for document in rendered:
        assert kubernetes_errors(document) == []
    for name, container in chart_containers(rendered).items():
        expected = "9464" if name in {*APIS, "worker", "prepare"} else None
        assert container.environment.get("REVIEWLENS_METRICS_PORT") == expected


def test_services_reach_a_collector_alone_and_only_if_they_send_traces():
    endpoint = "http://collector.monitoring.svc:4318"
    settings = chart_values()["settings"] | {"otlp_endpoint": endpoint}
    rendered, problem = render(chart_values(settings=settings))
    assert not problem
    opened = {
        name.removeprefix("reviewlens-")
        for name, policy in of_kind(rendered, "NetworkPolicy").items()
        for rule in policy["spec"]["egress"]
        if rule["ports"] == [{"protocol": "TCP", "port": 4318}]
        and rule["to"] == [{"namespaceSelector": {"matchLabels": MONITORING}}]
    }
    assert opened == {*APIS, "worker"}
    for name in opened:
        container = chart_containers(rendered)[name]
        assert container.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint


def component(peer):
    return peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]


def test_names_lead_to_what_exists(documents):
    deployments, services = of_kind(documents, "Deployment"), of_kind(documents, "Service")
    (ingress,) = of_kind(documents, "Ingress").values()
    backends = [
        rule["http"]["paths"][0]["backend"]["service"]["name"] for rule in ingress["spec"]["rules"]
    ]
    assert sorted(backends) == ["reviewlens-frontend", "reviewlens-proxy"]
    assert services.keys() == {f"reviewlens-{name}" for name in (*APIS, "frontend", "proxy")}
    for name, service in services.items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
    scalers = of_kind(documents, "HorizontalPodAutoscaler")
    assert scalers.keys() == {f"reviewlens-{name}" for name in SCALED}
    for name, scaler in scalers.items():
        assert scaler["spec"]["scaleTargetRef"]["name"] in deployments
        assert "replicas" not in deployments[name]["spec"]
    budgets = of_kind(documents, "PodDisruptionBudget")
    assert budgets.keys() == {f"reviewlens-{name}" for name in (*SCALED, "proxy")}
    for pod, _ in pods(documents).values():
        maps = {v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}
        assert maps <= of_kind(documents, "ConfigMap").keys()


def test_the_proxy_has_the_configuration_of_compose(documents):
    data = of_kind(documents, "ConfigMap")["reviewlens-proxy"]["data"]
    assert data.keys() == {"access.conf", "keys.conf", "nginx.conf"}
    for name, text in data.items():
        original = text.replace("kube-dns.kube-system.svc.cluster.local", "127.0.0.11")
        original = re.sub(r"reviewlens-(\w+)\.shop\.svc\.cluster\.local", r"\1", original)
        assert original == (ROOT / "deploy/compose" / name).read_text()
    assert data["nginx.conf"].count("svc.cluster.local:") == 10


def test_the_chart_contains_no_secret(documents):
    assert not of_kind(documents, "Secret")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"settings": {}}, "settings.aws_region: must be set"),
        ({"settings": {"environment_name": "local"}}, "/settings/environment_name"),
        ({"image": {"digest": "", "tag": ""}}, "image: set a digest or a tag"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"services": {"training": {"replicas": 2}}}, "/services/training/replicas"),
        ({"autoscaling": {"none": {"minReplicas": 1, "maxReplicas": 2, "cpuPercent": 5}}}, "none"),
        ({"replicas": 2}, "replicas"),
    ],
)
def test_values_that_cannot_work_are_refused_in_words(changed, words):
    rendered, problem = render(chart_values(**changed))
    assert not rendered
    assert words in problem


def test_without_a_page_nothing_of_it_is_there():
    rendered, problem = render(chart_values(ingress={"pageHost": ""}))
    assert not problem
    names = {each["metadata"]["name"] for each in rendered if each["kind"] != "NetworkPolicy"}
    assert not any("frontend" in name for name in names)


def test_the_chart_has_the_version_of_the_project():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)
