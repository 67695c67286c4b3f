"""The Bicep files: they parse, fit together and leave out no service. They are not compiled."""

import json
import re

import pycep
import pytest

from cdk.paths import ROOT

FOLDER = ROOT / "deploy/azure"
SERVICES = json.loads((ROOT / "deploy/services.json").read_text())["services"]
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.bicep"))}
WITHOUT_TORCH = {"training"}


@pytest.fixture(scope="module")
def parsed():
    return {name: pycep.BicepParser().parse(text=text) for name, text in TEXTS.items()}


def test_every_file_is_bicep(parsed):
    assert parsed.keys() == {"main.bicep", "containers.bicep", "gateway.bicep"}
    with pytest.raises(Exception, match="Unexpected"):
        pycep.BicepParser().parse(text="resource = {")


def test_files_that_are_read_exist():
    read = re.findall(
        r"load(?:Json|Text)Content\('([^']+)'\)|module \w+ '([^']+)'", TEXTS["main.bicep"]
    )
    names = {one or other for one, other in read}
    assert {"../services.json", "../pod/nginx.conf", "containers.bicep"} <= names
    assert [name for name in names if not (FOLDER / name).is_file()] == []


def test_modules_get_exactly_their_parameters(parsed):
    for name in ("containers.bicep", "gateway.bicep"):
        declared = parsed[name]["parameters"].keys()
        blocks = re.findall(rf"module \w+ '{name}' = .*?\n\n", TEXTS["main.bicep"], re.DOTALL)
        assert blocks, name
        for block in blocks:
            call = block.partition("params: {\n")[2]
            indent = len(call) - len(call.lstrip())
            given = set(re.findall(rf"^ {{{indent}}}(\w+):", call, re.MULTILINE))
            assert given == declared, name


def test_every_name_is_used(parsed):
    for name, file in parsed.items():
        for kind in ("parameters", "variables"):
            for symbol in file.get(kind, {}):
                assert len(re.findall(rf"\b{symbol}\b", TEXTS[name])) > 1, f"{name}: {symbol}"


def test_versions_of_apis_are_stable():
    versions = re.findall(r"resource \w+ '([\w./]+)@([^']+)'", "\n".join(TEXTS.values()))
    assert len(versions) > 12
    assert {
        version for _, version in versions if not re.fullmatch(r"202[3-6]-\d\d-\d\d", version)
    } == set()


def sizes():
    block = re.search(r"var sizes = \{\n(.*?)\n\}", TEXTS["main.bicep"], re.DOTALL)[1]
    found = re.findall(r"(\w+): \{ cpu: '([\d.]+)', memory: '([\d.]+)Gi' \}", block)
    return {name: (float(cpu), float(memory)) for name, cpu, memory in found}


def test_every_service_but_training_runs_with_its_memory():
    names = sizes()
    assert names.keys() == SERVICES.keys() - WITHOUT_TORCH
    for name, (cpu, memory) in names.items():
        assert memory == 2 * cpu, name  # the only ratio that Container Apps have
        assert memory * 1024 >= SERVICES[name]["memory_mib"], name


def test_instances_stay_within_the_limits_of_container_apps():
    text = TEXTS["main.bicep"]
    api = re.findall(r"'(\w+)'", re.search(r"var apiNames = \[(.*)\]", text)[1])
    groups = [api] + [
        re.findall(r"'(\w+)'", each) for each in re.findall(r"containers: \[([^\]]*)\]", text)
    ]
    groups.append(["prepare"])
    assert {name for group in groups for name in group} == SERVICES.keys() - WITHOUT_TORCH
    for group in groups:
        assert sum(sizes()[name][0] for name in group) <= 4, group
        assert sum(sizes()[name][1] for name in group) <= 8, group


def test_secrets_are_secure_parameters():
    text = TEXTS["main.bicep"]
    for name in ("databasePassword", "secrets"):
        before = text.partition(f"param {name} ")[0].rstrip().splitlines()[-2:]
        assert "@secure()" in before, name
    assert "output" in text
    outputs = [line for line in text.splitlines() if line.startswith("output ")]
    assert not any("assword" in line or "ecret" in line for line in outputs)
