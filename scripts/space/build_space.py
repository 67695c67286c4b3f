"""Make the folder of the Hugging Face Space: the page, what it needs of ours, model and samples.

    python scripts/space/build_space.py [FOLDER] [--list]

A Space installs requirements.txt before its other files are there, so no wheel of ours can stand in
it: our modules lie in the folder as they are, each one that the page reaches and none else.
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
from cdk.packaging.import_graph import Reached, reached

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
    "samples/audio.review": "samples/audio.review",
    "samples/kitchen.tsv": "samples/kitchen.tsv",
    "samples/outdoor.csv": "samples/outdoor.csv",
    "samples/outdoor.csv.mapping.json": "samples/outdoor.csv.mapping.json",
    "samples/reviews.jsonl.gz": "samples/reviews.jsonl.gz",
}
"""Place in the Space → file of the repository: all that is not a module."""
BY_PATH = ("shared.db.migrations.env", "shared.db.migrations.versions")
"""Modules that Alembic finds by their path."""
_ELSEWHERE = ("cdk", "sagemaker_jobs")
"""Packages that names in strings do not pull in: trainings run in another environment."""
_NAME = re.compile(r"((?:frontend_space|lambdas|local|shared)(?:\.\w+)+)(?::\w+)?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the folder, or list it; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make the folder of the Space.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--list", action="store_true", help="list the files and make nothing")
    options = parser.parse_args(arguments)
    try:
        found = contents()
        if not options.list:
            build(options.folder, found)
    except (LookupError, OSError, ValueError) as error:
        print(f"The Space cannot be made: {error}", file=sys.stderr)
        return 1
    print("\n".join(listing(found)) if options.list else options.folder)
    return 0


def contents(root: Path = ROOT) -> dict[str, bytes | Path]:
    """Everything in the Space: its place, and the file it is, or the bytes that are made for it.

    Raises:
        LookupError: a module or a file of the table is not there.
    """
    found: dict[str, bytes | Path] = {place: root / source for place, source in FILES.items()}
    modules = needed(root).modules
    found |= {path.relative_to(root).as_posix(): path for path in modules.values()}
    for folder in {path.parent for path in modules.values()}:
        found |= {path.relative_to(root).as_posix(): path for path in _data(folder)}
    found |= {path.relative_to(root).as_posix(): path for path in _assets(root / PAGE)}
    found |= _metadata(root)
    if missing := [str(path) for path in found.values() if _is_missing(path)]:
        raise LookupError(f"there is no {', '.join(missing)}")
    return dict(sorted(found.items()))


def needed(root: Path = ROOT) -> Reached:
    """What the page reaches: by imports, by names of modules in strings, and by path.

    Raises:
        LookupError: a module is not there.
    """
    starts = {START, *_by_path(root)}
    while True:
        found = reached(starts, root)
        named = {
            name
            for path in found.modules.values()
            for name in _named(path)
            if _exists(name, root) and name not in found.modules
        }
        if not named:
            return found
        starts |= named


def build(folder: Path, found: Mapping[str, bytes | Path]) -> None:
    """Write the folder anew, as a whole.

    Raises:
        ValueError: the folder exists and is no Space.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "app.py").is_file():
        raise ValueError(f"{folder} holds something else")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    for place, source in found.items():
        target = made / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_bytes(source))
    for path in (made, *made.rglob("*")):  # whoever runs it must read it
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(folder, ignore_errors=True)
    made.replace(folder)


def listing(found: Mapping[str, bytes | Path]) -> Iterator[str]:
    """A line for each file with its bytes, and one for the whole."""
    sizes = {place: _size(source) for place, source in found.items()}
    for place, size in sizes.items():
        yield f"{size:>12,}  {place}"
    yield f"{sum(sizes.values()):>12,}  bytes in {len(sizes)} files"


def _bytes(source: bytes | Path) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _size(source: bytes | Path) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _is_missing(source: bytes | Path) -> bool:
    return isinstance(source, Path) and not source.is_file()


def _by_path(root: Path) -> Iterator[str]:
    for name in BY_PATH:
        place = root.joinpath(*name.split("."))
        if place.is_dir():
            yield from (f"{name}.{path.stem}" for path in sorted(place.glob("*.py")))
        else:
            yield name


def _named(path: Path) -> Iterator[str]:
    """Modules of ours whose names stand as strings in a module: entries of processes and tables."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = _NAME.fullmatch(node.value)
            if match and not match[1].startswith(_ELSEWHERE):
                yield match[1]


def _exists(name: str, root: Path) -> bool:
    place = root.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def _data(folder: Path) -> Iterator[Path]:
    """What our package ships beside its modules; the page's folder brings all of its own."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for pattern in told["package-data"]["*"]:
        yield from folder.glob(pattern)


def _assets(folder: Path) -> Iterator[Path]:
    """What lies beside the page's modules: styles, pictures, a prebuilt index."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__pycache__")) for part in inside)
        own = inside in {("README.md",), ("requirements.txt",)}
        if path.is_file() and path.suffix not in {".py", ".pyc"} and not hidden and not own:
            yield path


def _metadata(root: Path) -> dict[str, bytes]:
    """As an installed package has it: services tell their version by it."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    told = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {f"{name}-{version}.dist-info/METADATA": told.encode()}


if __name__ == "__main__":
    sys.exit(main())
