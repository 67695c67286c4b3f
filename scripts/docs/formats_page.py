"""The generated tables of docs/formats.md: well-known columns, and exports with examples."""

from cdk.paths import ROOT
from lambdas.collection.reading.columns import WELL_KNOWN
from lambdas.collection.reading.exports import EXPORTS, Export

_PAGE = ROOT / "docs" / "formats.md"


def formats_page() -> str:
    """The page with its generated sections made again; the rest is written by hand."""
    page = _replace(_PAGE.read_text(encoding="utf-8"), "columns", _columns())
    return _replace(page, "exports", _exports())


def _replace(page: str, name: str, content: str) -> str:
    """Replace what is between the markers of a section.

    Raises:
        ValueError: the page does not have the markers.
    """
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
    before, _, rest = page.partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise ValueError(f"docs/formats.md does not have the section {begin.strip()}")
    return before + begin + content + end + after


def _columns() -> str:
    rows = "".join(
        f"| {field} | {'; '.join(', '.join(group) for group in groups)} |\n"
        for field, groups in WELL_KNOWN.items()
    )
    return f"| field | names, the best first |\n|---|---|\n{rows}"


def _exports() -> str:
    return "".join(map(_export, EXPORTS))


def _export(export: Export) -> str:
    fields = ", ".join(f"{field} `{column}`" for field, column in export.columns.items())
    return f"**{export.name}**: {fields}\n\n```csv\n{export.example}\n```\n\n"
