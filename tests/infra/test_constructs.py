"""Mistakes in the code of the stacks are errors at synthesis that name the cause."""

from dataclasses import replace
from datetime import datetime

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from cdk.constructs.grants import Grant
from cdk.constructs.operations import Operations
from cdk.constructs.settings import environment_variables
from cdk.environments import DEV, PROD, DatabaseSize
from lambdas.collection.settings import CollectionSettings
from lambdas.inference.settings import InferenceSettings
from lambdas.insights.settings import InsightsSettings


class Limits(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="REVIEWLENS_")

    log_level: str
    environment: str
    maximum: int
    strict: bool = False


def test_variables_have_the_names_that_the_settings_class_reads(monkeypatch):
    variables = environment_variables(Limits, DEV, {"maximum": 3, "strict": True})
    assert variables == {
        "REVIEWLENS_ENVIRONMENT": "dev",
        "REVIEWLENS_LOG_LEVEL": "DEBUG",
        "REVIEWLENS_MAXIMUM": "3",
        "REVIEWLENS_STRICT": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Limits() == Limits(log_level="DEBUG", environment="dev", maximum=3, strict=True)


def test_the_functions_that_give_sentiments_get_the_second_model_of_the_environment():
    environment = replace(DEV, second_model="mpnet-1", second_model_below=0.8)
    given = {"REVIEWLENS_SECOND_MODEL": "mpnet-1", "REVIEWLENS_SECOND_MODEL_BELOW": "0.8"}
    values = {"artefact_bucket": "a"}
    assert given.items() <= environment_variables(InferenceSettings, environment, values).items()
    assert not given.keys() & environment_variables(InferenceSettings, DEV, values).keys()
    assert not given.keys() & environment_variables(Limits, environment, {"maximum": 3}).keys()


def test_missing_fields_are_named():
    message = "CollectionSettings needs values for artefact_bucket, clean_bucket"
    with pytest.raises(ValueError, match=message):
        environment_variables(CollectionSettings, DEV, {"database_host": "database"})


def test_an_unknown_field_is_named():
    with pytest.raises(ValueError, match="Limits has no field minimum"):
        environment_variables(Limits, DEV, {"maximum": 3, "minimum": 1})


def test_a_value_that_is_not_valid_is_named():
    with pytest.raises(ValueError, match=r"(?s)Limits rejects its values.*maximum"):
        environment_variables(Limits, DEV, {"maximum": "many"})


def test_rules_between_fields_are_checked():
    values = {"database_host": "a", "database_secret_id": "b"}
    with pytest.raises(ValueError, match="both are set"):
        environment_variables(InsightsSettings, DEV, values)


def test_the_environment_of_the_deployment_is_ignored(monkeypatch):
    monkeypatch.setenv("REVIEWLENS_MAXIMUM", "7")
    with pytest.raises(ValueError, match="Limits needs values for maximum"):
        environment_variables(Limits, DEV, {})
    monkeypatch.setenv("REVIEWLENS_STRICT", "no boolean")
    assert environment_variables(Limits, DEV, {"maximum": 3})["REVIEWLENS_MAXIMUM"] == "3"


def test_a_value_that_is_not_plain_is_rejected():
    with pytest.raises(ValueError, match="a setting must be a plain value, not datetime"):
        environment_variables(Limits, DEV, {"maximum": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_a_grant_with_a_wildcard_action_is_rejected():
    with pytest.raises(ValueError, match=r"actions must not contain wildcards: \['s3:Get\*'\]"):
        Grant(["s3:Get*"], ["arn:aws:s3:::any"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"collection_workers": 1}, "collection_workers is below 2"),
        ({"processing_workers": 0}, "processing_workers is below 2"),
        ({"raw_infrequent_days": 7}, "raw_infrequent_days is below 30"),
    ],
)
def test_a_size_that_aws_does_not_allow_is_rejected(change: dict[str, int], message: str):
    with pytest.raises(ValueError, match=message):
        replace(PROD, **change)


def test_a_maximum_capacity_below_the_minimum_is_rejected():
    with pytest.raises(ValueError, match="min_acu is above max_acu"):
        DatabaseSize(min_acu=4, max_acu=2)


def test_a_retention_that_cloudwatch_does_not_support_is_rejected():
    operations = Operations(replace(PROD, log_days=15), None, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="log_days is 15, not one of"):
        _ = operations.retention
