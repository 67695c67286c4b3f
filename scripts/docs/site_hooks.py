"""Hooks of MkDocs: pages from outside docs/, links to them, and the list of decisions."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "CHANGELOG.md": "generated/changelog.md",
    "CONTRIBUTING.md": "generated/contributing.md",
    "SECURITY.md": "generated/security-policy.md",
    "benchmarks/README.md": "generated/benchmarks-readme.md",
    "models/default/MODEL_CARD.md": "generated/model-card-default.md",
    "models/pictures/MODEL_CARD.md": "generated/model-card-pictures.md",
}
"""Files outside docs/ that are pages of the site → their name in it."""
_SOURCES = {page: source for source, page in PAGES.items()}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_DECISIONS = "decisions"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List every decision in the navigation."""
    for section in config.nav or []:
        for name, entries in section.items():
            if isinstance(entries, list):
                section[name] = [_expanded(entry) for entry in entries]
    return config


def _expanded(entry: Any) -> Any:
    if not isinstance(entry, dict) or _DECISIONS not in entry.values():
        return entry
    files = sorted((ROOT / "docs" / _DECISIONS).glob("*.md"))
    return {name: [f"{_DECISIONS}/{file.name}" for file in files] for name in entry}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages whose files are outside docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Lead links to where their files are in the site; a link to source code becomes its name."""
    own = page.file.src_uri
    source = _SOURCES.get(own, f"docs/{own}")
    return _LINK.sub(lambda match: _link(match, source, own), markdown)


def _link(match: re.Match[str], source: str, own: str) -> str:
    text, target, anchor = match[1], match[2], match[3] or ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path == "docs/decisions" or target.endswith("decisions/"):
        path = "docs/decisions/0001-frame.md"
    if not (ROOT / path).exists():
        return match[0]
    if path in PAGES:
        place = PAGES[path]
    elif path.startswith("docs/") and (ROOT / path).is_file():
        place = path.removeprefix("docs/")
    else:
        return text
    return f"[{text}]({posixpath.relpath(place, posixpath.dirname(own))}{anchor})"
