"""The gateway's own pages, without scripts and without other hosts: ``/`` and ``/docs``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,h3{font-family:ui-monospace,monospace}h3{margin-top:2rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #8886}
"""
_CODE = re.compile(r"`([^`]+)`")
_METHODS = ("get", "post", "put", "patch", "delete")
_SCHEMAS = "#/components/schemas/"
_LINKS = {
    "/docs": "every route, with its parameters and answers",
    "/health": "state of the services",
    "/openapi.json": "the contract, for programs",
}


def index_page(version: str) -> str:
    """Where everything is."""
    links = "".join(
        f'<li><a href="{path}"><code>{path}</code></a>: {text}</li>'
        for path, text in _LINKS.items()
    )
    return _page("Reviewlens", f"<p>The HTTP API, version {escape(version)}.</p><ul>{links}</ul>")


def docs_page(document: Mapping[str, Any]) -> str:
    """Routes and schemas of an OpenAPI document."""
    routes = "".join(
        _route(method.upper(), path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    )
    schemas = sorted(document["components"]["schemas"].items())
    parts = "".join(_schema(name, schema) for name, schema in schemas)
    head = '<p><a href="/">Overview</a>, <a href="/openapi.json">OpenAPI document</a></p>'
    return _page("Reviewlens API", f"{head}<h2>Routes</h2>{routes}<h2>Schemas</h2>{parts}")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )


def _route(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parameters = [
        (
            f"<code>{escape(each['name'])}</code> ({escape(each['in'])})",
            _type(each.get("schema", {})),
            "required" if each.get("required") else "",
            _prose(each.get("description", "")),
        )
        for each in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {})
    answers = [
        (f"<code>{escape(status)}</code>", *_content(answer.get("content", {})))
        for status, answer in operation.get("responses", {}).items()
    ]
    return (
        f"<section><h3>{method} {escape(path)}</h3>"
        f"<p><strong>{_prose(operation.get('summary', ''))}</strong></p>"
        f"<p>{_prose(operation.get('description', ''))}</p>"
        + _table(("parameter", "type", "", "meaning"), parameters)
        + (f"<p>Body: {_content(body)[0]}</p>" if body else "")
        + _table(("status", "answer"), answers)
        + "</section>"
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (
            f"<code>{escape(field)}</code>",
            _type(kind),
            "required" if field in required else "",
            _prose(kind.get("description", "")),
        )
        for field, kind in schema.get("properties", {}).items()
    ]
    what = f"<p>{_prose(schema.get('description', ''))}</p>"
    listing = _table(("field", "type", "", "meaning"), rows) or f"<p>{_type(schema)}</p>"
    return f'<section><h3 id="{escape(name)}">{escape(name)}</h3>{what}{listing}</section>'


def _prose(text: str) -> str:
    """A description as HTML; what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _content(content: Mapping[str, Any]) -> tuple[str]:
    return (", ".join(_type(kind.get("schema", {})) for kind in content.values()),)


def _type(schema: Mapping[str, Any]) -> str:
    """The type as HTML, with links to schemas."""
    return " or ".join(_types(schema))


def _types(schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).removeprefix(_SCHEMAS))
        yield f'<a href="#{name}">{name}</a>'
    elif alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        yield from (_type(each) for each in alternatives)
    elif "enum" in schema:
        yield from (f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    elif schema.get("type") == "array":
        yield f"list of {_type(schema.get('items', {}))}"
    else:
        yield escape(str(schema.get("type", "any")))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = "".join(f"<th>{name}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
