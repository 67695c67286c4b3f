"""The committed pages are complete; their examples and links are valid."""

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
PAGES = (
    *("docs/reference/cli.md", "docs/reference/settings.md"),
    *("docs/reference/ingest_finished.json", "docs/openapi.json"),
)


@pytest.fixture(scope="module")
def document():
    return json.loads((REPOSITORY / "docs/openapi.json").read_text(encoding="utf-8"))


def test_every_command_has_a_section_and_a_help_text():
    from typer.main import get_command

    from local.cli.main import application

    page = (REPOSITORY / PAGES[0]).read_text(encoding="utf-8")
    commands = get_command(application).commands
    assert commands
    for name, command in commands.items():
        assert command.help, name
        assert f"\n## reviewlens {name}\n" in page


def test_every_function_with_settings_has_a_section():
    page = (REPOSITORY / PAGES[1]).read_text(encoding="utf-8")
    for settings in (REPOSITORY / "lambdas").glob("*/settings.py"):
        assert f"\n## {settings.parent.name}\n" in page
    rows = [line for line in page.splitlines() if line.startswith("| `REVIEWLENS_")]
    assert len(rows) > 20
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 4, row
        assert all(cells), row


def test_every_route_has_a_summary_a_tag_and_one_successful_response(document):
    assert {"/analyze", "/search_similar", "/collect", "/health"} <= document["paths"].keys()
    ids = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["tags"], where
            ids.add(operation["operationId"])
            successes = [code for code in operation["responses"] if code.startswith("2")]
            assert len(successes) == 1, where
            contents = operation["responses"][successes[0]]["content"]
            media_type = (
                "application/x-amz-json-1.1" if path == "/comprehend" else "application/json"
            )
            schema = contents[media_type]["schema"]
            assert schema["$ref"].startswith("#/components/schemas/"), where
    assert len(ids) == sum(len(operations) for operations in document["paths"].values())


def test_every_reference_has_a_schema(document):
    schemas = document["components"]["schemas"]
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()

    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            node = list(node.values())
        if isinstance(node, list):
            for inner in node:
                yield from references(inner)

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_a_schema_is_the_same_in_all_services():
    import importlib

    from local.stack.gateway import SERVICES

    schemas = {}
    for service in SERVICES:
        app = importlib.import_module(service.module).create_app()
        for name, schema in app.openapi()["components"]["schemas"].items():
            assert schemas.setdefault(name, schema) == schema, (service.name, name)


def test_every_route_has_an_example(document):
    page = (REPOSITORY / "docs/api.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (\w+ /\S*)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    routes = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert {name for name, _ in sections} == routes
    for name, text in sections:
        assert "```sh\ncurl " in text, name


def test_examples_carry_the_fields_of_their_schemas(document):
    """A JSON answer in docs/api.md has exactly the fields of the schema of its route."""
    page = (REPOSITORY / "docs/api.md").read_text(encoding="utf-8")
    pattern = r"^### (\w+) (/\S*)\n(?:(?!^##).)*?^```json\n(.*?)^```"
    examples = re.findall(pattern, page, re.MULTILINE | re.DOTALL)
    assert len(examples) > 8
    for method, path, example in examples:
        responses = document["paths"][path][method.lower()]["responses"]
        success = next(body for status, body in responses.items() if status.startswith("2"))
        name = success["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        properties = document["components"]["schemas"][name]["properties"]
        assert set(json.loads(example)) == set(properties), path


def test_examples_come_from_the_shipped_model():
    manifest = json.loads((REPOSITORY / "models/default/manifest.json").read_text("utf-8"))
    family = manifest["version"].rpartition("-")[0].rpartition("-")[0]
    page = (REPOSITORY / "docs/api.md").read_text(encoding="utf-8")
    assert set(re.findall(rf"{family}-\d+-\w+", page)) == {manifest["version"]}


def test_links_of_the_pages_have_a_target():
    pages = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for page in [*pages, *(REPOSITORY / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), (page.name, link)


def test_paths_in_the_pages_exist():
    folders = (
        "shared|lambdas|local|sagemaker_jobs|reports|reviewlens|frontend_space|cdk|benchmarks"
        "|scripts|configs|models|samples|notebooks|tests|docs"
    )
    for page in (REPOSITORY / "docs").rglob("*.md"):
        if page.parent.name == "decisions":  # a decision may name code that is gone
            continue
        for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text(encoding="utf-8")):
            assert (REPOSITORY / path).exists(), (page.name, path)


def test_no_page_has_a_placeholder():
    for page in (REPOSITORY / "docs").rglob("*.md"):
        placeholders = re.findall(r"^[A-Z][A-Z0-9_]+$", page.read_text("utf-8"), re.MULTILINE)
        assert placeholders == [], page.name
