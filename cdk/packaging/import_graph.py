"""The modules of this repository, and the third-party packages, that a module imports.

Read from the sources: imports inside functions count, and no module is run.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cdk.paths import ROOT

FIRST_PARTY = frozenset(
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
"""The top-level packages of this repository."""


@dataclass
class ImportGraph:
    """Everything that some modules import, directly or indirectly."""

    modules: dict[str, Path] = field(default_factory=dict)
    """First-party module → its file."""
    third_party: set[str] = field(default_factory=set)
    """Top-level names of the other packages, without the standard library."""

    @property
    def packages(self) -> set[str]:
        """The first-party packages that contain the modules."""
        return {
            name if path.name == "__init__.py" else name.rpartition(".")[0]
            for name, path in self.modules.items()
        }


def follow_imports(starts: Iterable[str], root: Path = ROOT) -> ImportGraph:
    """Follow all imports, starting from some first-party modules.

    Args:
        starts: dotted names of modules.
        root: folder that contains the first-party packages.

    Raises:
        LookupError: an imported first-party module does not exist.
    """
    graph = ImportGraph()
    pending = list(starts)
    while pending:
        name = pending.pop()
        if name in graph.modules:
            continue
        path = _module_file(name, root)
        if path is None:
            raise LookupError(f"there is no module {name}")
        graph.modules[name] = path
        if "." in name:
            pending.append(name.rpartition(".")[0])
        for imported in _imported_names(path):
            top = imported.split(".")[0]
            if top in FIRST_PARTY:
                pending.append(_containing_module(imported, root))
            elif top not in sys.stdlib_module_names:
                graph.third_party.add(top)
    return graph


def _module_file(module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _containing_module(name: str, root: Path) -> str:
    """``name`` if it is a module, else the module that it is a member of."""
    return name if _module_file(name, root) else name.rpartition(".")[0]


def _imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise LookupError(f"{path} has a relative import, which is not followed")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
