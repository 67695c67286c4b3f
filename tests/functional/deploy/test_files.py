"""The files of Compose, and the script that prepares them."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cdk.paths import ROOT
from local.services.ports import APIS, AWS, WORKER
from tests.containers import compose_config
from tests.platforms import secrets_needed

SECRETS = ("aws_credentials", "database.json", "database_password", "reviewer_key.json")
PROD = ("--env-file", "deploy/compose/prod.env.example", "-f", "docker-compose.prod.yml")


@pytest.fixture(scope="module", params=[(), PROD], ids=["one machine", "production"])
def config(request, project):
    return compose_config(project, *request.param)


def published(service):
    return {str(port["published"]): port for port in service.get("ports", [])}


def test_every_container_is_hardened(config):
    for name, service in config["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].partition(":")[0]) > 0, name
        assert "privileged" not in service, name
        assert service["restart"] in {"unless-stopped", "on-failure:3"}, name
        assert ("healthcheck" in service) is (name != "prepare"), name


def test_ports_are_open_on_this_machine_alone(config):
    for service in config["services"].values():
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}


def test_no_secret_is_in_an_environment(config):
    for service in config["services"].values():
        for variable, value in (service.get("environment") or {}).items():
            is_place = variable.endswith(("_FILE", "_ID"))
            is_secret = any(word in variable for word in ("PASSWORD", "SECRET", "TOKEN", "KEY"))
            assert not is_secret or (is_place and "/run/secrets/" in value), variable


@pytest.mark.parametrize("name", sorted({*APIS, "worker", "prepare"}))
def test_a_service_has_the_secrets_alone_that_its_functions_read(config, name):
    service = config["services"][name]
    given = {Path(each["target"]).name for each in service.get("secrets", [])}
    assert given - {"database_ca"} == secrets_needed(name)
    places = {v for v in service["environment"].values() if v and "/run/secrets/" in v}
    assert {place.rpartition("/")[2] for place in places} == secrets_needed(name)


def test_services_wait_for_those_that_they_need(config):
    services = config["services"]
    for name in (*APIS, "worker"):
        needed = services[name]["depends_on"]
        assert needed["prepare"]["condition"] == "service_completed_successfully"
    needed = services["proxy"]["depends_on"]
    assert needed.keys() == APIS.keys()
    assert {each["condition"] for each in needed.values()} == {"service_healthy"}


def test_each_service_has_its_port(project):
    services = compose_config(project)["services"]
    for name, port in APIS.items():
        assert services[name]["command"][-2:] == ["--port", str(port)]
        owner = "proxy" if name in {"inference", "retrieval"} else name
        assert published(services[owner])[str(port)]["target"] == port
    assert "container_name" not in services["inference"]
    assert not published(services["inference"])
    assert not published(services["retrieval"])
    assert published(services["aws"]).keys() == {str(AWS)}
    assert str(WORKER) in services["worker"]["command"]


def test_production_limits_every_service_and_starts_no_store(project):
    services = compose_config(project, *PROD)["services"]
    assert not {"aws", "postgres"} & services.keys()
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert limits.keys() == {"cpus", "memory", "pids"}, name


def test_trainings_get_torch_and_a_gpu(project):
    files = ("-f", "docker-compose.yml", "-f", str(ROOT / "docker-compose.gpu.yml"))
    training = compose_config(project, *files)["services"]["training"]
    assert training["build"]["target"] == "training"
    (device,) = training["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert training["environment"]["REVIEWLENS_TRAIN_DATA"] == "/data"


def test_production_names_what_is_not_set(project):
    command = [str(Path(sys.executable).with_name("docker-compose")), *PROD[2:], "config"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "RAW_BUCKET" in done.stderr


def setup(folder, option, **environment):
    return subprocess.run(
        [str(folder / "setup.sh"), option],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_secrets_are_closed_and_stay_the_same(project):
    folder = project / ".compose"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600
    before = {name: (folder / name).read_bytes() for name in SECRETS}
    assert {path.name for path in folder.iterdir()} == set(SECRETS)
    assert setup(project, "--files").returncode == 0
    assert {name: (folder / name).read_bytes() for name in SECRETS} == before
    password = before["database_password"].decode()
    assert json.loads(before["database.json"])["password"] == password
    assert len(password) == 36
    assert len(bytes.fromhex(json.loads(before["reviewer_key.json"])["key"])) == 32
    # a key of AWS has 20 characters, for which moto looks
    assert b"aws_access_key_id = LOCAL" in before["aws_credentials"]
    assert len(before["aws_credentials"].split()[3]) == 20


def test_the_check_names_in_words_what_is_missing(project, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("awk", "bash", "cat", "df", "dirname", "grep", "sed", "tail"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = setup(project, "--check", PATH=str(tools), API_PORT=port)
    assert done.returncode == 1
    assert "missing: docker. Install Docker Engine" in done.stderr
    assert f"missing: port {port}: another program uses it." in done.stderr
    assert done.stderr.endswith("Nothing was started.\n")


def test_an_unknown_option_shows_how_to_use_the_script(project):
    done = setup(project, "--nothing")
    assert done.returncode == 2
    assert "./setup.sh --check" in done.stdout
