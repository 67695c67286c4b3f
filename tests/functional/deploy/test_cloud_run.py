"""The files for Cloud Run, and the proxy whose APIs are in the same instance."""

import json
import re
import subprocess

import pytest
from jsonschema import Draft7Validator

from cdk.paths import ROOT
from local.services.ports import APIS
from tests.containers import compose_config
from tests.platforms import cloud_run_containers, cloud_run_documents, compose_containers

PROD = ("--env-file", "deploy/compose/prod.env.example", "-f", "docker-compose.prod.yml")
SCHEMA = json.loads((ROOT / "tests/fixtures/schemas/cloud_run_v1.json").read_text())
IN_FOLDERS = re.compile(r"/run/secrets/(\w+)/\1")
OF_PAGE = {"reviewlens_api_key", "reviewlens_page_token"}


def in_one_folder(text):
    return IN_FOLDERS.sub(r"/run/secrets/\1", text)


@pytest.fixture(scope="module")
def documents():
    return cloud_run_documents()


def test_cloud_run_knows_every_field(documents):
    assert documents.keys() == {"service-api", "service-page", "service-worker", "job-prepare"}
    for name, document in documents.items():
        assert list(Draft7Validator(SCHEMA).iter_errors(document)) == [], name
    unknown = documents["service-api"] | {"spec": {"template": {"spec": {"container": []}}}}
    assert list(Draft7Validator(SCHEMA).iter_errors(unknown))


def test_containers_are_those_of_compose_but_training(documents, project):
    expected = compose_containers(compose_config(project, *PROD))
    del expected["training"]
    found = cloud_run_containers(documents)
    assert found.keys() == expected.keys()
    for name, container in found.items():
        want = expected[name]
        assert (container.command, container.port) == (want.command, want.port), name
        assert container.probe == want.probe, name
        own = {key: in_one_folder(value) for key, value in container.environment.items()}
        # files are in memory here
        own.pop("REVIEWLENS_MAX_FILE_BYTES", None)
        expected_here = dict(want.environment)
        expected_here.pop("REVIEWLENS_METRICS_PORT", None)
        assert own == expected_here, name
        secrets = {in_one_folder(path).removeprefix("/run/secrets/") for path in container.secrets}
        if name == "frontend":
            assert {secret.lower() for secret in secrets} == OF_PAGE == want.secrets
        else:
            assert secrets == want.secrets - {"database_ca"}, name
        places = {value for value in container.environment.values() if "/run/secrets" in value}
        assert {place.removeprefix("file:") for place in places} <= container.secrets, name
        assert container.memory_mib >= want.memory_mib, name


def test_an_instance_stays_within_the_limits_of_cloud_run(documents):
    for document in documents.values():
        if document["kind"] == "Job":
            continue
        containers = document["spec"]["template"]["spec"]["containers"]
        limits = [each["resources"]["limits"] for each in containers]
        assert sum(float(each["cpu"]) for each in limits) <= 8
        assert len(containers) <= 10
        assert [bool(each.get("ports")) for each in containers] == [
            index == 0 for index in range(len(containers))
        ]
        for volume in document["spec"]["template"]["spec"].get("volumes", []):
            assert re.fullmatch(r"[A-Za-z0-9_-]+", volume["secret"]["secretName"])
        for each in containers:
            paths = [mount["mountPath"] for mount in each.get("volumeMounts", [])]
            assert len(set(paths)) == len(paths)


def test_the_proxy_starts_after_the_apis_that_it_asks(documents):
    annotations = documents["service-api"]["spec"]["template"]["metadata"]["annotations"]
    order = json.loads(annotations["run.googleapis.com/container-dependencies"])
    assert order == {"proxy": sorted(APIS.keys() - {"training"})}


def test_nginx_accepts_the_proxy_of_an_instance(tmp_path):
    text = (ROOT / "deploy/pod/nginx.conf").read_text()
    original = (ROOT / "deploy/compose/nginx.conf").read_text()
    for name, port in APIS.items():
        assert f"set ${name} 127.0.0.1:{port};" in text
        # nothing else listens at the ports of the APIs
        assert f"listen {port};" not in text
    assert "resolver" not in text
    # the last two belong to the ports of retrieval and inference
    assert re.findall(r"location .*", text) == re.findall(r"location .*", original)[:-2]
    path = tmp_path / "nginx.conf"
    path.write_text(text.replace("/tmp/", f"{tmp_path}/"))
    done = subprocess.run(["nginx", "-t", "-c", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
