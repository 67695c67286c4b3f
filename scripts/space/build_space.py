"""Build the folder of the Hugging Face Space: the page, our modules, the model and the samples.

    python scripts/space/build_space.py [FOLDER] [--list]

A Space installs requirements.txt before its other files are present, so it cannot list a wheel of
ours. The folder contains our modules as files instead, but only those that the page needs.
"""

import argparse
import ast
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.packaging.import_graph import ImportGraph, follow_imports
from cdk.packaging.table import data_patterns

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "space"
PAGE = "frontend_space"
START = f"{PAGE}.__main__"

FILES = {
    "README.md": "frontend_space/README.md",
    "requirements.txt": "frontend_space/requirements.txt",
    "app.py": "scripts/space/space_app.py",
    "LICENSE": "LICENSE",
    "models/default/MODEL_CARD.md": "models/default/MODEL_CARD.md",
    "models/default/manifest.json": "models/default/manifest.json",
    "models/default/model.onnx": "models/default/model.onnx",
    "models/default/tokenizer.json": "models/default/tokenizer.json",
    "models/pictures/MODEL_CARD.md": "models/pictures/MODEL_CARD.md",
    "models/pictures/manifest.json": "models/pictures/manifest.json",
    "models/pictures/model.onnx": "models/pictures/model.onnx",
    "samples/audio.review": "samples/audio.review",
    "samples/kitchen.tsv": "samples/kitchen.tsv",
    "samples/outdoor.csv": "samples/outdoor.csv",
    "samples/outdoor.csv.mapping.json": "samples/outdoor.csv.mapping.json",
    "samples/reviews.jsonl.gz": "samples/reviews.jsonl.gz",
}
"""Path in the Space → file of the repository, for everything that is not a module."""
MODULES_BY_PATH = ("shared.db.migrations.env", "shared.db.migrations.versions")
"""Modules that Alembic loads by path."""
_NOT_BY_NAME = ("cdk", "sagemaker_jobs")
"""Packages whose names in strings are ignored: trainings run in another environment."""
_MODULE_NAME = re.compile(r"((?:frontend_space|lambdas|local|shared)(?:\.\w+)+)(?::\w+)?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the folder, or list its files; returns the exit status."""
    parser = argparse.ArgumentParser(description="Build the folder of the Space.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--list", action="store_true", help="list the files and build nothing")
    options = parser.parse_args(arguments)
    try:
        files = contents()
        if not options.list:
            build(options.folder, files)
    except (LookupError, OSError, ValueError) as error:
        print(f"The Space cannot be built: {error}", file=sys.stderr)
        return 1
    print("\n".join(listing(files)) if options.list else options.folder)
    return 0


def contents(root: Path = ROOT) -> dict[str, bytes | Path]:
    """The files of the Space: path → source file, or content that is generated.

    Raises:
        LookupError: a module or a file of the table does not exist.
    """
    files: dict[str, bytes | Path] = {target: root / source for target, source in FILES.items()}
    modules = follow_page(root).modules
    files |= {path.relative_to(root).as_posix(): path for path in modules.values()}
    for folder in {path.parent for path in modules.values()}:
        files |= {path.relative_to(root).as_posix(): path for path in _data_files(folder)}
    files |= {path.relative_to(root).as_posix(): path for path in _page_assets(root / PAGE)}
    files |= _metadata(root)
    if missing := [str(path) for path in files.values() if _is_missing(path)]:
        raise LookupError(f"there is no {', '.join(missing)}")
    return dict(sorted(files.items()))


def follow_page(root: Path = ROOT) -> ImportGraph:
    """The modules of the page: imported, named in strings, or loaded by path.

    Raises:
        LookupError: a module does not exist.
    """
    starts = {START, *_modules_by_path(root)}
    while True:
        graph = follow_imports(starts, root)
        additional = {
            name
            for path in graph.modules.values()
            for name in _module_names_in_strings(path)
            if _exists(name, root) and name not in graph.modules
        }
        if not additional:
            return graph
        starts |= additional


def build(folder: Path, files: Mapping[str, bytes | Path]) -> None:
    """Write the folder, and replace an existing one as a whole.

    Raises:
        ValueError: the folder exists and is not a Space.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "app.py").is_file():
        raise ValueError(f"{folder} contains something else")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent))
    for name, source in files.items():
        target = temporary / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_bytes(source))
    for path in (temporary, *temporary.rglob("*")):  # readable by the user that runs it
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)


def listing(files: Mapping[str, bytes | Path]) -> Iterator[str]:
    """A line with the size of each file, and a line with the total."""
    sizes = {name: _size(source) for name, source in files.items()}
    for name, size in sizes.items():
        yield f"{size:>12,}  {name}"
    yield f"{sum(sizes.values()):>12,}  bytes in {len(sizes)} files"


def _bytes(source: bytes | Path) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _size(source: bytes | Path) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _is_missing(source: bytes | Path) -> bool:
    return isinstance(source, Path) and not source.is_file()


def _modules_by_path(root: Path) -> Iterator[str]:
    for name in MODULES_BY_PATH:
        folder = root.joinpath(*name.split("."))
        if folder.is_dir():
            yield from (f"{name}.{path.stem}" for path in sorted(folder.glob("*.py")))
        else:
            yield name


def _module_names_in_strings(path: Path) -> Iterator[str]:
    """First-party modules named in strings: entry points of child processes and tables."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = _MODULE_NAME.fullmatch(node.value)
            if match and not match[1].startswith(_NOT_BY_NAME):
                yield match[1]


def _exists(name: str, root: Path) -> bool:
    path = root.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _data_files(folder: Path) -> Iterator[Path]:
    """The data files of a package; the page ships all files of its folder."""
    for pattern in data_patterns():
        yield from folder.glob(pattern)


def _page_assets(folder: Path) -> Iterator[Path]:
    """The files of the page other than modules: styles, pictures, a prebuilt index."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__pycache__")) for part in parts)
        in_table = parts in {("README.md",), ("requirements.txt",)}
        if path.is_file() and path.suffix not in {".py", ".pyc"} and not hidden and not in_table:
            yield path


def _metadata(root: Path) -> dict[str, bytes]:
    """The metadata of an installed package, from which services read their version."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {f"{name}-{version}.dist-info/METADATA": text.encode()}


if __name__ == "__main__":
    sys.exit(main())
