"""Show as Markdown what a change does to the templates.

    python scripts/release/compare_templates.py BASE_ASSEMBLY ASSEMBLY

Lists resources that come, go or change, with the properties that differ. Code and images, which
differ after every change of a source file, are left out.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_OF_CODE = frozenset(
    {
        *("S3Key", "ImageUri", "Image", "Metadata", "FunctionVersion", "sources"),
        *("REVIEWLENS_TRAINING_IMAGE_URI", "REVIEWLENS_ACTIVATION_IMAGE_URI"),
        "REVIEWLENS_CANDIDATE_IMAGE_URI",
    }
)
_VERSION = "AWS::Lambda::Version"


def compare(base: Path, changed: Path) -> list[str]:
    """A section for each template that differs."""
    before, after = _templates(base), _templates(changed)
    lines: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        differences = list(_differences(before.get(name, {}), after.get(name, {})))
        if differences:
            lines += [f"### {name}", "", *differences, ""]
    return lines or ["The templates do not differ."]


def _templates(assembly: Path) -> dict[str, dict[str, Any]]:
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in assembly.rglob("*.template.json")
    }


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = before.get("Resources", {}), after.get("Resources", {})
    for name in sorted(old.keys() | new.keys()):
        kind = (new.get(name) or old[name])["Type"]
        if kind == _VERSION:
            continue
        if name not in old:
            yield f"- new: {kind} `{name}`"
        elif name not in new:
            yield f"- **removed**: {kind} `{name}`"
        elif paths := sorted(set(_paths(old[name], new[name]))):
            yield f"- changed: {kind} `{name}`: {', '.join(f'`{path}`' for path in paths)}"


def _paths(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Where two values differ; a list is compared as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in (old.keys() | new.keys()) - _OF_CODE:
            yield from _paths(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif old != new:
        yield path


def main(arguments: Sequence[str]) -> int:
    """Print the comparison, also into the summary of a job of GitHub; returns the exit status."""
    text = "\n".join(compare(Path(arguments[0]), Path(arguments[1]))) + "\n"
    print(text)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
