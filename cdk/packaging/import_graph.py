"""Which modules of ours, and which packages of others, a module reaches by its imports.

Read from the sources, so imports inside functions count, and nothing is run.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cdk.paths import ROOT

OURS = frozenset(
    {
        "cdk",
        "frontend_space",
        "lambdas",
        "local",
        "reports",
        "reviewlens",
        "sagemaker_jobs",
        "shared",
    }
)


@dataclass
class Reached:
    """What some modules need: module → its file, and names of packages that are not ours."""

    modules: dict[str, Path] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)

    @property
    def packages(self) -> set[str]:
        """The packages of ours that hold those modules."""
        return {
            name if path.name == "__init__.py" else name.rpartition(".")[0]
            for name, path in self.modules.items()
        }


def reached(starts: Iterable[str], root: Path = ROOT) -> Reached:
    """Follow all imports from some modules of ours.

    Args:
        starts: dotted names of modules.
        root: folder that holds our packages.

    Raises:
        LookupError: a module of ours that is imported does not exist.
    """
    found = Reached()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name in found.modules:
            continue
        path = _file(name, root)
        if path is None:
            raise LookupError(f"there is no module {name}")
        found.modules[name] = path
        if "." in name:
            waiting.append(name.rpartition(".")[0])
        for imported in _imports(path):
            top = imported.split(".")[0]
            if top in OURS:
                waiting.append(_module(imported, root))
            elif top not in sys.stdlib_module_names:
                found.others.add(top)
    return found


def _file(module: str, root: Path) -> Path | None:
    place = root.joinpath(*module.split("."))
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _module(name: str, root: Path) -> str:
    """The module that ``name`` is, or that it is a member of."""
    return name if _file(name, root) else name.rpartition(".")[0]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise LookupError(f"{path} has a relative import, which is not followed")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
