"""The API's document explains everything: descriptions that say more than names, and examples."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

DOCUMENT = json.loads((Path(__file__).resolve().parents[3] / "docs/openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
FILLERS = {
    *("a", "an", "and", "are", "as", "be", "by", "for", "has", "have", "if", "in", "is", "it"),
    *("its", "of", "or", "that", "the", "to"),
}


def described():
    """Name and description of all that a reader may ask about."""
    for where, operation in OPERATIONS.items():
        yield where, where, operation.get("description")
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            yield f"{where} {name}", name, parameter.get("description")
    for schema, content in SCHEMAS.items():
        yield schema, schema, content.get("description")
        for name, field in content.get("properties", {}).items():
            yield f"{schema}.{name}", name, field.get("description")


def words(text):
    """The words of a text or a name that carry its meaning, in the singular."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {word.rstrip("s") for word in re.findall(r"[a-z0-9]+", spaced.lower())} - FILLERS


def says_more(name, description):
    """Whether a description has two words or more that the name has not."""
    return len(words(description) - words(name)) >= 2


def test_everything_has_a_description():
    missing = [where for where, _, description in described() if not description]
    assert missing == []
    assert len(list(described())) > 600


def test_no_description_repeats_the_name():
    repeating = [where for where, name, text in described() if not says_more(name, text)]
    assert repeating == []


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("ingest_id", "The id of the ingest.", False),
        ("next_cursor", "Cursor of the next.", False),
        ("reviews", "Number of reviews.", False),
        ("PictureTotals", "Totals of pictures.", False),
        ("reviews", "Number of reviews with a date.", True),
    ],
)
def test_what_repeats_a_name(name, description, expected):
    assert says_more(name, description) is expected


def test_descriptions_are_sentences_in_markdown():
    for where, _, description in described():
        assert description[0].isupper() or description[0] in "`1", where
        assert description.endswith("."), where
        assert "``" not in description, where
        assert description.count("`") % 2 == 0, where
        assert "None" not in description, where


def test_a_summary_says_something_else_than_the_description():
    for where, operation in OPERATIONS.items():
        assert not operation["summary"].endswith("."), where
        assert operation["summary"] not in operation["description"], where


@pytest.mark.parametrize("name", OBJECTS)
def test_a_schema_has_an_example_that_is_valid(name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    validator = Draft202012Validator(schema)
    examples = SCHEMAS[name]["examples"]
    assert examples
    for example in examples:
        assert [error.message for error in validator.iter_errors(example)] == []
        assert set(example) <= SCHEMAS[name]["properties"].keys()


def test_examples_of_fields_and_parameters_are_valid():
    parts = [
        field for schema in SCHEMAS.values() for field in schema.get("properties", {}).values()
    ]
    parts += [
        parameter["schema"]
        for operation in OPERATIONS.values()
        for parameter in operation.get("parameters", ())
    ]
    checked = 0
    for part in parts:
        validator = Draft202012Validator({**part, "components": DOCUMENT["components"]})
        for example in part.get("examples", ()):
            validator.validate(example)
            checked += 1
    assert checked
