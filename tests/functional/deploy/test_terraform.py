"""The Terraform module: what it names exists, and it makes what the containers need."""

import json
import re

import hcl2
import pytest

from cdk.paths import ROOT
from local.names import QUEUES
from tests.platforms import PARAMETERS

FOLDER = ROOT / "deploy/terraform"
DECLARED = json.loads((ROOT / "deploy/services.json").read_text())
BUCKETS = {"raw", "clean", "artefacts"}
PROVIDER = json.loads((ROOT / "tests/fixtures/schemas/terraform_aws_6.json").read_text())
"""The types of resources that the module uses, as the provider of AWS declares them."""
OF_TERRAFORM = {"count", "for_each", "depends_on", "lifecycle", "dynamic"}


@pytest.fixture(scope="module")
def module():
    """Kind of block → address → its content, from all files."""
    blocks = {}
    for path in sorted(FOLDER.glob("*.tf")):
        for kind, entries in hcl2.loads(path.read_text()).items():
            for entry in entries if kind != "__comments__" else []:
                for address, content in flat(kind, plain(entry)):
                    assert address not in blocks.setdefault(kind, {}), address
                    blocks[kind][address] = content
    return blocks


def plain(value):
    """Texts without the quotes of the syntax."""
    if isinstance(value, dict):
        return {key.strip('"'): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.strip('"') if isinstance(value, str) else value


def flat(kind, entry):
    entry.pop("__is_block__", None)
    if kind in {"resource", "data"}:
        for name, named in entry.items():
            for label, content in named.items():
                yield f"{name}.{label}", content
    else:
        yield from entry.items()


def references(value):
    """Addresses that expressions name."""
    text = json.dumps(value)
    names = r"(?<![\w.])(var|local|(?:data\.)?aws_\w+)\.(\w+)"
    return {f"{kind}.{name}" for kind, name in re.findall(names, text)}


def problems(where, schema, block):
    """Arguments that the provider does not know, and those that it requires."""
    arguments = {name.removeprefix("*"): (name, inner) for name, inner in schema.items()}
    dynamic = {
        name: each["content"] for one in block.get("dynamic", []) for name, each in one.items()
    }
    given = {name: value for name, value in block.items() if not name.startswith("__")} | dynamic
    for name, value in given.items():
        if name not in arguments:
            if name not in OF_TERRAFORM:
                yield f"{where}: there is no {name}"
        elif inner := arguments[name][1]:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    yield from problems(f"{where}.{name}", inner, each)
    for name, (marked, _) in arguments.items():
        if marked.startswith("*") and name not in given:
            yield f"{where}: {name} is missing"


@pytest.mark.parametrize("kind", ["resource", "data"])
def test_arguments_are_those_of_the_provider(module, kind):
    unknown = [
        problem
        for address, block in module[kind].items()
        for problem in problems(
            address, PROVIDER[kind][address.partition(".")[0]]["arguments"], block
        )
    ]
    assert unknown == []


def test_a_wrong_argument_is_found(module):
    schema = PROVIDER["resource"]["aws_s3_bucket_versioning"]["arguments"]
    block = {"buckets": "b", "versioning_configuration": [{"state": "Enabled"}]}
    assert set(problems("x", schema, block)) == {
        "x: there is no buckets",
        "x: bucket is missing",
        "x.versioning_configuration: there is no state",
        "x.versioning_configuration: status is missing",
    }


def test_attributes_that_expressions_read_exist():
    text = "".join(path.read_text() for path in FOLDER.glob("*.tf"))
    read = re.findall(r"(data\.)?\b(aws_\w+)\.\w+(?:\[[^\]]*\])?\.(\w+)", text)
    assert len(read) > 20
    for data, kind, attribute in read:
        declared = PROVIDER["data" if data else "resource"][kind]
        known = {name.removeprefix("*") for name in declared["arguments"]}
        assert attribute in known | set(declared["attributes"]), f"{kind}: {attribute}"


def test_every_name_is_declared_and_used(module):
    declared = {f"var.{name}" for name in module["variable"]}
    declared |= {f"local.{name}" for name in module["locals"]}
    declared |= module["resource"].keys() | {f"data.{name}" for name in module["data"]}
    used = set().union(*(references(list(blocks.values())) for blocks in module.values()))
    assert used <= declared
    unused = {name for name in declared - used if name.startswith(("var.", "local.", "data."))}
    assert unused == set()


def test_every_variable_says_what_it_is(module):
    for name, variable in (module["variable"] | module["output"]).items():
        assert variable["description"].endswith("."), name


def test_the_provider_is_pinned_to_one_major_version(module):
    (provider,) = module["terraform"]["required_providers"]
    provider.pop("__is_block__", None)
    assert list(provider) == ["aws"]
    assert re.fullmatch(r"~> 6\.\d+", provider["aws"]["version"])


def test_outputs_are_the_parameters_of_the_containers(module):
    settings = [DECLARED["settings"], *(each["settings"] for each in DECLARED["services"].values())]
    needed = {
        setting["parameter"].upper()
        for each in settings
        for setting in each.values()
        if setting.get("required")
    }
    outputs = module["output"]["parameters"]["value"].keys() - {"__is_block__"}
    assert outputs == needed
    assert outputs <= PARAMETERS.keys()


def test_queues_are_those_of_the_worker(module):
    work = module["resource"]["aws_sqs_queue.work"]
    listed = re.findall(r"\w+", module["locals"]["queues"].removeprefix("${toset"))
    assert set(listed) == {plan.name for plan in QUEUES}
    for plan in QUEUES:
        assert work["visibility_timeout_seconds"] == plan.visibility_seconds
        assert f"maxReceiveCount = {plan.max_receive_count}" in work["redrive_policy"]


def test_buckets_are_closed(module):
    resources = module["resource"]
    assert set(re.findall(r'"(\w+)', module["locals"]["data_buckets"])) == BUCKETS
    block = resources["aws_s3_bucket_public_access_block.this"]
    assert block["for_each"] == "${local.buckets}"
    assert all(block[name] is True or block[name] == "true" for name in block if "public" in name)
    for part in ("versioning", "ownership_controls", "policy"):
        assert resources[f"aws_s3_bucket_{part}.this"]["for_each"] == "${local.buckets}"
    (rule,) = resources["aws_s3_bucket_server_side_encryption_configuration.data"]["rule"]
    (encryption,) = rule["apply_server_side_encryption_by_default"]
    assert encryption["sse_algorithm"] == "aws:kms"


def test_the_containers_may_do_named_things_with_named_resources(module):
    document = module["data"]["aws_iam_policy_document.containers"]
    for statement in document["statement"]:
        assert not any("*" in action for action in statement["actions"])
        assert references(statement["resources"]) - {"local.data_buckets", "local.queues"}
        assert statement["resources"] not in ("*", ["*"])


def test_the_database_is_private_and_encrypted(module):
    database = module["resource"]["aws_db_instance.this"]
    assert "password" not in database
    for name, value in {
        "manage_master_user_password": True,
        "publicly_accessible": False,
        "storage_encrypted": True,
    }.items():
        assert str(database[name]).lower() == str(value).lower(), name
