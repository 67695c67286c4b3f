"""The bundle for Elastic Beanstalk: Docker Compose resolves it to the containers of production."""

import os
import stat
import subprocess
import zipfile

import pytest
import yaml

from scripts.release.bundle_beanstalk import write
from tests.containers import compose_config
from tests.platforms import PARAMETERS, compose_containers

PROD = ("--env-file", "deploy/compose/prod.env.example", "-f", "docker-compose.prod.yml")
HOOK = ".platform/hooks/prebuild/10_secrets.sh"
FETCHED = {"api_keys", "database.json", "database_ca.pem", "reviewer_key.json"}
FETCHED |= {"page_api_key", "page_token"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The bundle, as Elastic Beanstalk extracts it, with its .env."""
    folder = tmp_path_factory.mktemp("beanstalk")
    archive = folder / "bundle.zip"
    write(archive)
    first = archive.read_bytes()
    write(archive)
    assert archive.read_bytes() == first
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            opened.extract(entry, folder / "app")
            (folder / "app" / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    lines = [f"{name}={value}" for name, value in properties(folder / "app").items()]
    (folder / "app" / ".env").write_text("\n".join(lines))
    return folder / "app"


def options(app):
    text = (app / ".ebextensions/reviewlens.config").read_text()
    return yaml.safe_load(text)["option_settings"]


def properties(app):
    return options(app)["aws:elasticbeanstalk:application:environment"]


def test_containers_are_those_of_production(bundle, project):
    here, there = (compose_config(bundle), compose_config(project, *PROD))
    expected = compose_containers(there)
    for name, container in compose_containers(here).items():
        own = container.environment
        if "AWS_EC2_METADATA_DISABLED" in own:
            own |= {"AWS_EC2_METADATA_DISABLED": "true"}
        assert container == expected.pop(name), name
        assert here["services"][name]["image"] == there["services"][name]["image"]
        assert here["services"][name]["read_only"]
    assert not expected


def test_the_load_balancer_asks_the_ports_that_are_published(bundle):
    settings = options(bundle)
    services = compose_config(bundle)["services"]
    for process, service in (("default", "proxy"), ("page", "frontend")):
        (port,) = services[service]["ports"]
        checked = settings[f"aws:elasticbeanstalk:environment:process:{process}"]
        assert checked["Port"] == port["published"]
        assert port["host_ip"] == "0.0.0.0"
    assert settings["aws:elbv2:listenerrule:page"]["HostHeaders"] == PARAMETERS["PAGE_HOST"]
    assert settings["aws:elbv2:listener:default"] == {"ListenerEnabled": "false"}
    assert all(
        isinstance(value, str) for options in settings.values() for value in options.values()
    )


def test_every_parameter_is_an_example_or_an_option_of_compose(bundle):
    # SECRETS_PREFIX is for the hook
    names = properties(bundle).keys() - {"SECRETS_PREFIX"}
    text = (bundle / "docker-compose.yml").read_text()
    assert PARAMETERS.keys() <= names
    assert {name for name in names if f"${{{name}" not in text} == set()


def test_the_hook_writes_the_secrets_that_compose_reads(bundle, tmp_path):
    """With programs in place of those of the instance: the answers of AWS are not ours to test."""
    folder, tools = tmp_path / "secrets", tmp_path / "bin"
    tools.mkdir()
    known = properties(bundle) | {"SECRETS": str(folder)}
    get_config = tools / "get-config"
    cases = "\n".join(f"{name}) echo '{value}';;" for name, value in known.items())
    get_config.write_text(f'#!/bin/bash\ncase "$3" in\n{cases}\n*) exit 1;;\nesac\n')
    (tools / "aws").write_text('#!/bin/bash\n[ "$4" = eu-west-1 ] && echo "value of $6"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    script = tmp_path / "hook.sh"
    script.write_text(
        (bundle / HOOK).read_text().replace("/opt/elasticbeanstalk/bin/get-config", str(get_config))
    )
    for _ in range(2):
        subprocess.run(
            ["/bin/bash", script], env={"PATH": f"{tools}:{os.environ['PATH']}"}, check=True
        )
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    written = {path.name: path for path in folder.iterdir()}
    assert written.keys() == FETCHED | {"aws_credentials"}
    for name, path in written.items():
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
        text = "" if name == "aws_credentials" else f"value of reviews/{name}\n"
        assert path.read_text() == text
    files = {each["file"] for each in compose_config(bundle)["secrets"].values()}
    assert {f"/etc/reviewlens/secrets/{name}" for name in written} == files


def test_hooks_may_be_run(bundle):
    hooks = [bundle / HOOK, bundle / HOOK.replace("hooks", "confighooks")]
    assert all(os.access(hook, os.X_OK) for hook in hooks)
