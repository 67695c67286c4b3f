"""Collection and processing: what queues feed, what roles may do, when the sweep comes."""

from typing import Any

import pytest

from lambdas.collection.sweep import LOST_SECONDS
from tests.infra.templates import Assembly, Resource, as_list

pytestmark = pytest.mark.timeout(600)


def _function(assembly: Assembly, stack: str, name: str) -> Resource:
    found = assembly.one("prod", stack).all("AWS::Lambda::Function")
    return next(function for function in found if function.name.startswith(f"{name}Function"))


def _may(assembly: Assembly, function: Resource) -> set[tuple[str, str]]:
    """What its role may do: action and, as a readable string, on what."""
    role = assembly.target(function.stack, function.properties["Role"])
    return {
        (action, _spelled(resource))
        for policy in function.stack.all("AWS::IAM::Policy")
        if any(assembly.target(policy.stack, r) == role for r in policy.properties["Roles"])
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def _spelled(resource: Any) -> str:
    match resource:
        case str():
            return resource
        case {"Fn::Join": [_, parts]}:
            return "".join(map(_spelled, parts))
        case {"Fn::ImportValue": name}:
            return str(name)
        case {"Fn::GetAtt": [name, *_]} | {"Ref": name}:
            return str(name)
        case {"Fn::Select": [_, {"Fn::Split": [_, whole]}]}:
            return f"a part of {_spelled(whole)}"
    raise AssertionError(resource)


def _objects(may: set[tuple[str, str]], action: str, bucket: str) -> set[str]:
    """Prefixes of the keys in a bucket that an action is allowed on."""
    return {
        resource.partition("/")[2]
        for said, resource in may
        if said == action and f"FnGetAtt{bucket}" in resource
    }


def test_collection_reads_dumps_and_writes_clean_shards_and_no_more(assembly: Assembly):
    may = _may(assembly, _function(assembly, "collection", "Collection"))
    assert _objects(may, "s3:GetObject", "Raw") == {"uploads/*"}
    assert _objects(may, "s3:PutObject", "Raw") == set()
    assert _objects(may, "s3:DeleteObject", "Raw") == set()
    assert _objects(may, "s3:PutObject", "Clean") == {"reviews/*"}
    assert _objects(may, "s3:DeleteObject", "Clean") == {"reviews/*"}
    assert _objects(may, "s3:GetObject", "Artefacts") == {"pointers/*"}
    assert _objects(may, "s3:PutObject", "Artefacts") == set()
    assert _objects(may, "s3:DeleteObject", "Artefacts") == {"embeddings/*"}


def test_processing_writes_embeddings_and_moves_no_pointer(assembly: Assembly):
    may = _may(assembly, _function(assembly, "processing", "Processing"))
    assert _objects(may, "s3:GetObject", "Clean") == {"reviews/*"}
    assert _objects(may, "s3:PutObject", "Artefacts") == {"embeddings/*"}
    assert _objects(may, "s3:DeleteObject", "Artefacts") == set()


def test_the_builder_moves_the_pointer_of_the_index_and_not_that_of_the_model(assembly: Assembly):
    may = _may(assembly, _function(assembly, "processing", "Builder"))
    assert _objects(may, "s3:PutObject", "Artefacts") == {"indexes/*", "pointers/index.json*"}
    assert _objects(may, "s3:DeleteObject", "Artefacts") == {"indexes/*"}


def test_whoever_reads_objects_is_told_of_missing_ones(assembly: Assembly):
    for stack, name in (
        ("collection", "Collection"),
        ("processing", "Processing"),
        ("processing", "Builder"),
    ):
        may = _may(assembly, _function(assembly, stack, name))
        read = {r.partition("/")[0] for action, r in may if action == "s3:GetObject"}
        listed_ = {r for action, r in may if action == "s3:ListBucket"}
        assert read <= listed_, name


def test_every_function_may_use_the_key_of_the_data(assembly: Assembly):
    for stack, name in (
        ("collection", "Collection"),
        ("processing", "Processing"),
        ("processing", "Builder"),
    ):
        may = _may(assembly, _function(assembly, stack, name))
        assert {"kms:Decrypt", "kms:GenerateDataKey"} <= {
            action for action, resource in may if "DataKey" in resource
        }


def test_the_builder_stands_outside_of_the_network(assembly: Assembly):
    assert "VpcConfig" not in _function(assembly, "processing", "Builder").properties
    assert "VpcConfig" in _function(assembly, "processing", "Processing").properties


def test_the_sweep_comes_as_an_event_that_the_handler_takes(assembly: Assembly):
    for environment in ("dev", "staging", "prod"):
        (rule,) = assembly.one(environment, "collection").all("AWS::Events::Rule")
        (target,) = rule.properties["Targets"]
        # a schedule's own event has source aws.events, unless an input takes its place
        assert not {"Input", "InputPath", "InputTransformer"} & target.keys()
        assert rule.properties["State"] == "ENABLED"
        function = assembly.resource(rule.stack, target["Arn"])
        assert function.properties["Handler"] == "lambdas.collection.handler.handler"


def test_the_sweep_gives_up_no_shard_whose_message_is_still_hidden(assembly: Assembly):
    queues = assembly.one("prod", "processing").all("AWS::SQS::Queue")
    hidden = [q.properties["VisibilityTimeout"] for q in queues if "RedrivePolicy" in q.properties]
    assert hidden
    assert min(hidden) > LOST_SECONDS


def test_the_key_of_reviewers_identities_is_32_bytes_in_hexadecimal(assembly: Assembly):
    (secret,) = assembly.one("prod", "collection").all("AWS::SecretsManager::Secret")
    made = secret.properties["GenerateSecretString"]
    left = set("abcdefghijklmnopqrstuvwxyz0123456789") - set(made["ExcludeCharacters"])
    assert left == set("0123456789abcdef")
    assert made["PasswordLength"] == 64
    assert made["ExcludeUppercase"] is made["ExcludePunctuation"] is True
    assert made["GenerateStringKey"] == "key"
