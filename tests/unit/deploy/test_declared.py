"""deploy/ names only what exists: services, ports, routes, settings; and contains no secret."""

import json
import re

import pytest

from cdk.paths import ROOT
from frontend_space.settings import PageSettings
from local.services.__main__ import _parser
from local.services.ports import APIS, WORKER
from scripts.docs.settings_page import settings_classes
from shared.http.settings import ApiDoorSettings
from tests.platforms import secrets_needed

DOCUMENT = json.loads((ROOT / "deploy/services.json").read_text())
SERVICES = DOCUMENT["services"]
SETTINGS = dict(settings_classes())
FILES = sorted(
    path
    for pattern in ("deploy/**/*", "docs/deploy/*.md", "docker-compose*.yml")
    for path in ROOT.glob(pattern)
    if path.is_file() and ".terraform" not in path.parts
)
HOST_VARIABLES = {"REVIEWLENS_IMAGE", "REVIEWLENS_TRAINING_IMAGE"}
"""What Compose and scripts read on the host; no container has them."""
SECRET_PATTERNS = {
    "an access key of AWS": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a password": r"""(?i)\b\w*(password|token|api_?key|secret_?key)["']?\s*[:=]\s*"""
    r"""["']?(?!secrets/)[\w+/=-]{12,}["']?\s*$""",
    "a password in an address": r"\w+://[^/\s:@]+:[^/\s:@$]+@",
}


def variables_of(kind):
    prefix = kind.model_config.get("env_prefix", "")
    return {f"{prefix}{field}".upper() for field in kind.model_fields}


def known_variables():
    """Fields of all settings, and the names that programs use themselves."""
    names = set().union(*map(variables_of, [*SETTINGS.values(), PageSettings, ApiDoorSettings]))
    for folder in ("local", "shared", "sagemaker_jobs"):
        for path in (ROOT / folder).rglob("*.py"):
            names.update(re.findall(r"\bREVIEWLENS_[A-Z_]*[A-Z]", path.read_text("utf-8")))
    return names


def test_every_variable_is_a_setting():
    known = known_variables() | HOST_VARIABLES
    unknown = {
        (str(path.relative_to(ROOT)), name)
        for path in FILES
        for name in re.findall(r"\bREVIEWLENS_[A-Z_]*[A-Z]", path.read_text("utf-8"))
        if name not in known
    }
    assert unknown == set()
    assert len(FILES) > 15


@pytest.mark.parametrize("name", sorted(APIS))
def test_a_service_has_every_setting_that_must_be_set(name):
    service = SERVICES[name]
    given = {*DOCUMENT["settings"], *service["settings"]}
    fields = SETTINGS[name].model_fields.items()
    needed = {f"REVIEWLENS_{field}".upper() for field, info in fields if info.is_required()}
    assert service["common_settings"]
    assert needed <= given


def test_the_worker_has_the_settings_of_all_its_functions():
    given = {*DOCUMENT["settings"], *SERVICES["worker"]["settings"]}
    for name in ("collection", "processing", "retrieval", "review_pictures"):
        fields = SETTINGS[name].model_fields.items()
        needed = {f"REVIEWLENS_{field}".upper() for field, info in fields if info.is_required()}
        assert needed <= given, name


def test_every_command_is_one_of_ours():
    assert SERVICES.keys() == {*APIS, "worker", "prepare", "frontend", "proxy"}
    for name, service in SERVICES.items():
        command = service["command"]
        if command[:3] == ["python", "-m", "local.services"]:
            options = _parser().parse_args(command[3:])
            assert options.name == name
            if name != "prepare":
                assert options.port == service["port"] == {**APIS, "worker": WORKER}[name]
                assert options.host == "0.0.0.0"
        else:
            assert name in {"frontend", "proxy"}


def test_probes_ask_routes_that_exist():
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    for name, service in SERVICES.items():
        assert (service["probe"] is None) is (name == "prepare")
        if service["probe"] and service["probe"]["path"]:
            assert service["probe"]["path"] in paths, name
        else:
            assert name in {"frontend", "prepare"}


def test_secrets_are_places_and_files():
    settings = [DOCUMENT["settings"], *(service["settings"] for service in SERVICES.values())]
    for name, setting in (pair for each in settings for pair in each.items()):
        if any(word in name for word in ("PASSWORD", "SECRET", "TOKEN", "KEY", "CREDENTIALS")):
            assert "/run/secrets/" in setting["value"], name
    used = set().union(*(service["secrets"] for service in SERVICES.values()))
    assert used == set(DOCUMENT["secrets"])


@pytest.mark.parametrize("name", sorted({*APIS, "worker", "prepare"}))
def test_a_service_has_the_secrets_alone_that_its_functions_read(name):
    needed = secrets_needed(name)
    verifying = {"database_ca"} if "database" in needed else set()
    assert set(SERVICES[name]["secrets"]) == needed | verifying
    settings = (DOCUMENT["settings"] | SERVICES[name]["settings"]).values()
    named = {setting["value"] for setting in settings if "value" in setting}
    places = {value.rpartition("/")[2] for value in named if "/run/secrets/" in value}
    assert places == needed


@pytest.mark.parametrize("kind", SECRET_PATTERNS)
def test_no_file_contains_a_secret(kind):
    pattern = re.compile(SECRET_PATTERNS[kind], re.MULTILINE)
    found = {
        f"{path.relative_to(ROOT)}: {match[0].strip()}"
        for path in FILES
        for match in pattern.finditer(path.read_text("utf-8"))
        # without quotes it is a name in these languages
        if path.suffix not in {".bicep", ".tf"} or set(match[0]) & {"'", '"'}
    }
    assert found == set()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("an access key of AWS", "id: AKIA0000000000000000"),
        ("a private key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("a password", 'db_password = "correct-horse-battery"'),
        ("a password in an address", "postgresql://app:hunter2@db/reviews"),
    ],
)
def test_a_secret_would_be_noticed(kind, text):
    assert re.search(SECRET_PATTERNS[kind], text, re.MULTILINE)
