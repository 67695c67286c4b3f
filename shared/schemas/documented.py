"""Models whose fields are described by the docstrings below them.

JSON Schemas, the API's document and the client's reference show the same sentences. Pydantic's own
``use_attribute_docstrings`` reads the source of each class when it is imported, for which every
cold start would pay; here it is read when a schema is made.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler


class Documented(BaseModel):
    """Base of the models of the API."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The JSON Schema, with the docstrings of the fields as their descriptions."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in descriptions(cls).items():
            alias = cls.model_fields[name].alias or name
            if alias in properties:
                properties[alias]["description"] = text
        return schema


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """What is known of the fields of a model: name → sentences on one line, in Markdown.

    The docstring below a field goes before the description that its type carries.
    """
    fields = model.model_fields.items()
    known = {name: field.description for name, field in fields if field.description}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            own = _docstrings(base.__module__).get(base.__qualname__, {})
            known |= {name: text for name, text in own.items() if name in model.model_fields}
    return known


@cache
def _docstrings(module: str) -> dict[str, dict[str, str]]:
    """The docstrings of attributes in a module: class → attribute → text on one line."""
    import ast
    import inspect
    import sys
    from itertools import pairwise

    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if not isinstance(node, ast.ClassDef):
            continue
        texts = found.setdefault(node.name, {})
        for statement, following in pairwise(node.body):
            match statement, following:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    texts[name] = " ".join(text.replace("``", "`").split())
    return found
