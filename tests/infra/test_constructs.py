"""What a mistake in the wiring looks like: an error at synthesis that names it."""

from dataclasses import replace
from datetime import datetime

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from cdk.constructs.grants import Grant
from cdk.constructs.operations import Operations
from cdk.constructs.settings import variables
from cdk.environments import DEV, PROD, DatabaseSize
from lambdas.collection.settings import CollectionSettings
from lambdas.insights.settings import InsightsSettings


class Limits(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="REVIEWLENS_")

    log_level: str
    environment: str
    most: int
    careful: bool = False


def test_variables_carry_the_names_that_the_settings_class_reads(monkeypatch):
    made = variables(Limits, DEV, {"most": 3, "careful": True})
    assert made == {
        "REVIEWLENS_CAREFUL": "true",
        "REVIEWLENS_ENVIRONMENT": "dev",
        "REVIEWLENS_LOG_LEVEL": "DEBUG",
        "REVIEWLENS_MOST": "3",
    }
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    assert Limits() == Limits(log_level="DEBUG", environment="dev", most=3, careful=True)


def test_a_field_that_is_missing_is_named():
    with pytest.raises(ValueError, match="CollectionSettings lacks artefact_bucket, clean_bucket"):
        variables(CollectionSettings, DEV, {"database_host": "database"})


def test_a_field_that_nobody_reads_is_named():
    with pytest.raises(ValueError, match="Limits has no field least"):
        variables(Limits, DEV, {"most": 3, "least": 1})


def test_a_value_that_the_class_refuses_is_named():
    with pytest.raises(ValueError, match=r"(?s)Limits refuses its values.*most"):
        variables(Limits, DEV, {"most": "many"})


def test_what_holds_between_fields_is_checked_as_well():
    with pytest.raises(ValueError, match="both are set"):
        variables(InsightsSettings, DEV, {"database_host": "a", "database_secret_id": "b"})


def test_variables_of_who_deploys_do_not_count(monkeypatch):
    monkeypatch.setenv("REVIEWLENS_MOST", "7")
    with pytest.raises(ValueError, match="Limits lacks most"):
        variables(Limits, DEV, {})
    monkeypatch.setenv("REVIEWLENS_CAREFUL", "no boolean")
    assert variables(Limits, DEV, {"most": 3})["REVIEWLENS_MOST"] == "3"


def test_a_value_of_no_plain_kind_is_refused():
    with pytest.raises(ValueError, match="a setting must be a plain value, not datetime"):
        variables(Limits, DEV, {"most": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_a_grant_names_its_actions_one_by_one():
    with pytest.raises(ValueError, match=r"actions must be named one by one: \['s3:Get\*'\]"):
        Grant(["s3:Get*"], ["arn:aws:s3:::any"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"collection_workers": 1}, "collection_workers is below 2"),
        ({"processing_workers": 0}, "processing_workers is below 2"),
        ({"raw_infrequent_days": 7}, "raw_infrequent_days is below 30"),
    ],
)
def test_a_size_that_aws_refuses_is_named(change: dict[str, int], said: str):
    with pytest.raises(ValueError, match=said):
        replace(PROD, **change)


def test_a_capacity_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="min_acu is above max_acu"):
        DatabaseSize(min_acu=4, max_acu=2)


def test_a_retention_that_cloudwatch_refuses_is_named():
    operations = Operations(replace(PROD, log_days=15), None, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="log_days is 15, not one of"):
        _ = operations.retention
