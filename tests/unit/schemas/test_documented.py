"""Docstrings below fields are their descriptions in JSON Schemas."""

from typing import Annotated

from pydantic import Field

from shared.schemas.documented import Documented, descriptions

Stars = Annotated[int, Field(description="Stars from 1 to 5.")]


class Thing(Documented):
    """A thing."""

    name: str
    """What it is called,
    ``A`` to ``Z``."""
    stars: Stars = 5
    silent: int = 0
    last: int = Field(0, alias="end")
    """Where it ends."""

    def twice(self) -> int:
        """Not a field."""
        return 2 * self.stars


class Special(Thing):
    """A special thing."""

    stars: Stars = 4
    """Stars of a special kind."""
    part: Thing | None = None
    """What it is made of."""


def test_a_docstring_is_one_line_of_markdown():
    fields = Thing.model_json_schema()["properties"]
    assert fields["name"]["description"] == "What it is called, `A` to `Z`."
    assert fields["stars"]["description"] == "Stars from 1 to 5."
    assert fields["end"]["description"] == "Where it ends."
    assert "description" not in fields["silent"]


def test_a_subclass_inherits_and_replaces():
    schema = Special.model_json_schema()
    fields = schema["properties"]
    assert fields["name"]["description"] == "What it is called, `A` to `Z`."
    assert fields["stars"]["description"] == "Stars of a special kind."
    assert fields["part"]["description"] == "What it is made of."
    assert schema["$defs"]["Thing"]["properties"]["stars"]["description"] == "Stars from 1 to 5."
    assert descriptions(Special).keys() == {"name", "stars", "last", "part"}
