"""Reads the blocks of code of the documentation, and the marks of those that are not run."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN = (
    ROOT / "README.md",
    ROOT / "docs/api.md",
    *sorted((ROOT / "docs/guides").glob("*.md")),
)
"""Pages whose commands a test runs, as far as they are not marked."""
_BLOCK = re.compile(
    r"(?:<!-- (?:not run: (?P<reason>[^>]+)|(?P<refused>refused)) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_REASON_OF_PAGE = re.compile(r"^<!-- commands not run: ([^>]+) -->$", re.MULTILINE)
_GENERATED = {"cli.md", "client.md", "routes.md", "settings.md", "licences.md"}
_HERE_DOCUMENT = re.compile(r"<<'(\w+)'(.*?)\n.*?^\1$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$", re.MULTILINE)
_KEYWORDS = {"do", "done", "{", "}", "set", "-a", "+a"}


@dataclass(frozen=True)
class Block:
    """A block of code: why it is not run, or that its command is refused."""

    language: str
    code: str
    reason: str | None
    refused: bool


def pages() -> list[Path]:
    """The pages that people write; decisions and generated pages have no commands to follow."""
    written = [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "decisions"]
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")),
        *sorted(path for path in written if path.name not in _GENERATED or "client" in path.name),
    ]


def blocks(page: Path) -> list[Block]:
    """All blocks of code of a page; the mark of a page counts for each of its commands."""
    text = page.read_text("utf-8")
    of_page = _REASON_OF_PAGE.search(text)
    return [
        Block(
            match["language"],
            match["code"],
            match["reason"] or (of_page[1] if of_page and match["language"] == "sh" else None),
            bool(match["refused"]),
        )
        for match in _BLOCK.finditer(text)
    ]


def commands(code: str) -> Iterator[list[str]]:
    """The words of each command in a block for the shell, as far as they can be told apart."""
    text = _HERE_DOCUMENT.sub(r"\2", code).replace("\\\n", " ")
    parts = shlex.shlex(_COMMENT.sub("", text), posix=True, punctuation_chars="|&;<>()\n")
    parts.whitespace = " \t"
    parts.whitespace_split = True
    parts.commenters = ""
    words: list[str] = []
    for part in [*parts, "\n"]:
        if set(part) <= set("|&;()\n"):
            while words and (words[0] in _KEYWORDS or re.match(r"[A-Z_]+=|\$", words[0])):
                words.pop(0)
            if words:
                yield words
            words = []
        else:
            words.append(part)
