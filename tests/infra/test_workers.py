"""The workers of collection and processing: permissions, VPC, and the sweep."""

import itertools
from typing import Any

import pytest

from lambdas.collection.sweep import LOST_SECONDS
from tests.infra.templates import Assembly, Resource, as_list

pytestmark = pytest.mark.timeout(600)


def _function(assembly: Assembly, stack: str, name: str) -> Resource:
    functions = assembly.one("prod", stack).all("AWS::Lambda::Function")
    return next(function for function in functions if function.name.startswith(f"{name}Function"))


def _permissions(assembly: Assembly, function: Resource) -> set[tuple[str, str]]:
    """The permissions of a function's role: action and resource as text."""
    role = assembly.target(function.stack, function.properties["Role"])
    return {
        (action, _resource_text(resource))
        for policy in function.stack.all("AWS::IAM::Policy")
        if any(assembly.target(policy.stack, r) == role for r in policy.properties["Roles"])
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def _resource_text(resource: Any) -> str:
    match resource:
        case str():
            return resource
        case {"Fn::Join": [_, parts]}:
            return "".join(map(_resource_text, parts))
        case {"Fn::ImportValue": name}:
            return str(name)
        case {"Fn::GetAtt": [name, *_]} | {"Ref": name}:
            return str(name)
        case {"Fn::Select": [_, {"Fn::Split": [_, whole]}]}:
            return f"a part of {_resource_text(whole)}"
    raise AssertionError(resource)


def _keys(permissions: set[tuple[str, str]], action: str, bucket: str) -> set[str]:
    """The object key patterns in a bucket for which an action is allowed."""
    return {
        resource.partition("/")[2]
        for allowed, resource in permissions
        if allowed == action and f"FnGetAtt{bucket}" in resource
    }


def test_copies_of_dumps_fit_on_the_disk_of_collection(assembly: Assembly):
    properties = _function(assembly, "collection", "Collection").properties
    space = int(properties["Environment"]["Variables"]["REVIEWLENS_MAX_FILE_BYTES"])
    disk = properties["EphemeralStorage"]["Size"] * 2**20
    assert disk == 10_240 * 2**20
    assert disk - 512 * 2**20 < space < disk


def test_collection_reads_dumps_writes_clean_shards_and_removes_what_came_from_a_dump(
    assembly: Assembly,
):
    permissions = _permissions(assembly, _function(assembly, "collection", "Collection"))
    assert _keys(permissions, "s3:GetObject", "Raw") == {"uploads/*"}
    assert _keys(permissions, "s3:PutObject", "Raw") == set()
    assert _keys(permissions, "s3:DeleteObject", "Raw") == set()
    assert _keys(permissions, "s3:DeleteObjectVersion", "Raw") == {"uploads/*"}
    assert _keys(permissions, "s3:GetObject", "Clean") == {"plans/*", "reviews/*"}
    assert _keys(permissions, "s3:PutObject", "Clean") == {"plans/*", "reviews/*"}
    assert _keys(permissions, "s3:DeleteObject", "Clean") == {
        *("plans/*", "reviews/*", "quarantine/objects/*")
    }
    assert _keys(permissions, "s3:GetObject", "Artefacts") == {
        *("embeddings/*", "pictures/*", "pointers/*", "quarantine/open/*"),
        "indexes/*/shards.json",
        "quarantine/objects/*/indexes/*/shards.json",
    }
    assert _keys(permissions, "s3:PutObject", "Artefacts") == {
        *("embeddings/*", "forgotten/*", "pictures/*", "quarantine/healed/*")
    }
    assert _keys(permissions, "s3:DeleteObject", "Artefacts") == {
        *("embeddings/*", "forgotten/*", "pictures/*", "quarantine/objects/*"),
        "quarantine/open/*",
    }
    for bucket in ("Clean", "Artefacts"):
        assert _keys(permissions, "s3:DeleteObjectVersion", bucket) == set()


def test_the_endpoint_of_s3_allows_what_the_functions_in_the_network_may_do(assembly: Assembly):
    functions = [
        function
        for function in assembly.all("AWS::Lambda::Function")
        if "VpcConfig" in function.properties and function.stack.environment == "prod"
    ]
    needed = {
        action
        for function in functions
        for action, _ in _permissions(assembly, function)
        if action.startswith("s3:")
    }
    (endpoint,) = (
        endpoint
        for endpoint in assembly.one("prod", "network").all("AWS::EC2::VPCEndpoint")
        if endpoint.properties["VpcEndpointType"] == "Gateway"
    )
    (statement,) = endpoint.properties["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == needed


def test_the_worker_of_pictures_writes_pictures_and_nothing_else(assembly: Assembly):
    worker = _function(assembly, "api", "ReviewPictures")
    permissions = _permissions(assembly, worker)
    assert "VpcConfig" not in worker.properties
    assert _keys(permissions, "s3:GetObject", "Clean") == set()
    assert _keys(permissions, "s3:PutObject", "Artefacts") == {"pictures/*"}
    assert _keys(permissions, "s3:DeleteObject", "Artefacts") == set()
    variables = worker.properties["Environment"]["Variables"]
    assert variables["REVIEWLENS_PICTURE_HOSTS"] == ""


def test_processing_writes_embeddings_but_moves_no_pointer(assembly: Assembly):
    permissions = _permissions(assembly, _function(assembly, "processing", "Processing"))
    assert _keys(permissions, "s3:GetObject", "Clean") == {"reviews/*"}
    assert _keys(permissions, "s3:PutObject", "Clean") == {"quarantine/*"}
    assert _keys(permissions, "s3:PutObject", "Artefacts") == {"embeddings/*", "quarantine/*"}
    assert _keys(permissions, "s3:DeleteObject", "Artefacts") == set()


def test_the_checker_repairs_everything_and_deletes_nothing_set_aside(assembly: Assembly):
    permissions = _permissions(assembly, _function(assembly, "processing", "Checker"))
    assert _keys(permissions, "s3:PutObject", "Clean") == {"quarantine/*"}
    assert _keys(permissions, "s3:DeleteObject", "Clean") == {"reviews/*"}
    assert _keys(permissions, "s3:PutObject", "Raw") == set()
    assert _keys(permissions, "s3:PutObject", "Artefacts") == {
        *("activations/*", "models/*", "pointers/*", "quarantine/*")
    }
    assert _keys(permissions, "s3:DeleteObject", "Artefacts") == {
        *("activations/*", "embeddings/*", "indexes/*", "models/*", "quarantine/open/*")
    }


def test_the_builder_moves_the_index_pointer_but_not_the_model_pointer(assembly: Assembly):
    permissions = _permissions(assembly, _function(assembly, "processing", "Builder"))
    assert _keys(permissions, "s3:GetObject", "Artefacts") == {
        *("activations/*", "embeddings/*", "indexes/*", "models/*", "pointers/*"),
        *("pictures/results/*", "pictures/vectors/*", "quarantine/*"),
    }
    assert _keys(permissions, "s3:PutObject", "Artefacts") == {
        *("indexes/*", "pointers/index.json*", "quarantine/*")
    }
    assert _keys(permissions, "s3:DeleteObject", "Artefacts") == {
        *("embeddings/*", "indexes/*", "pointers/index.json")
    }


def test_functions_that_read_objects_may_list_the_bucket(assembly: Assembly):
    for stack, name in (
        ("collection", "Collection"),
        ("processing", "Processing"),
        ("processing", "Checker"),
        ("processing", "Builder"),
    ):
        permissions = _permissions(assembly, _function(assembly, stack, name))
        readable = {r.partition("/")[0] for action, r in permissions if action == "s3:GetObject"}
        listable = {r for action, r in permissions if action == "s3:ListBucket"}
        assert readable <= listable, name


def test_every_worker_may_use_the_data_key(assembly: Assembly):
    for stack, name in (
        ("collection", "Collection"),
        ("processing", "Processing"),
        ("processing", "Checker"),
        ("processing", "Builder"),
    ):
        permissions = _permissions(assembly, _function(assembly, stack, name))
        assert {"kms:Decrypt", "kms:GenerateDataKey"} <= {
            action for action, resource in permissions if "DataKey" in resource
        }


def test_the_builder_runs_outside_the_vpc(assembly: Assembly):
    assert "VpcConfig" not in _function(assembly, "processing", "Builder").properties
    assert "VpcConfig" in _function(assembly, "processing", "Processing").properties


def test_sweep_and_check_are_events_that_the_handlers_accept(assembly: Assembly):
    for environment, stack in itertools.product(
        ("dev", "staging", "prod"), ("collection", "processing")
    ):
        (rule,) = assembly.one(environment, stack).all("AWS::Events::Rule")
        (target,) = rule.properties["Targets"]
        # the event of a schedule has source aws.events unless an input replaces it
        assert not {"Input", "InputPath", "InputTransformer"} & target.keys()
        assert rule.properties["State"] == "ENABLED"
        function = assembly.resource(rule.stack, target["Arn"])
        if stack == "collection":
            assert function.properties["Handler"] == "lambdas.collection.handler.handler"
        else:  # an image, whose command is its handler
            assert function.name.startswith("CheckerFunction")


def test_messages_stay_hidden_longer_than_the_sweep_waits_for_a_shard(assembly: Assembly):
    queues = assembly.one("prod", "processing").all("AWS::SQS::Queue")
    work = [queue.properties for queue in queues if "RedrivePolicy" in queue.properties]
    assert work
    assert min(properties["VisibilityTimeout"] for properties in work) > LOST_SECONDS


def test_the_reviewer_key_is_32_bytes_in_hexadecimal(assembly: Assembly):
    (secret,) = assembly.one("prod", "collection").all("AWS::SecretsManager::Secret")
    options = secret.properties["GenerateSecretString"]
    alphabet = set("abcdefghijklmnopqrstuvwxyz0123456789") - set(options["ExcludeCharacters"])
    assert alphabet == set("0123456789abcdef")
    assert options["PasswordLength"] == 64
    assert options["ExcludeUppercase"] is options["ExcludePunctuation"] is True
    assert options["GenerateStringKey"] == "key"
