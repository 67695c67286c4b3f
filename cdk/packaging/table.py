"""The table of assets: the packages that each function ships, and how it is deployed.

``ASSETS`` lists our packages one by one: a package includes the modules in its folder, but not its
subpackages. tests/infra/test_assets.py follows the imports of every handler and checks that the
table lists everything they need and nothing else.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cdk.paths import ROOT


def data_patterns() -> list[str]:
    """Patterns of the data files that belong to every package, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns: list[str] = project["tool"]["setuptools"]["package-data"]["*"]
    return patterns


SHIPPED_SUFFIXES = frozenset(
    {".py", *(Path(pattern).suffix for pattern in data_patterns() if pattern.startswith("*."))}
)
"""Suffixes of the files that functions and jobs ship from a package's folder."""

_EDGE = (
    *("lambdas", "shared", "shared.http", "shared.observability", "shared.schemas"),
    *("shared.settings", "shared.storage"),
)
_DATABASE = ("shared.db", "shared.db.aspects", "shared.db.duplicates", "shared.db.insights")
_LANGUAGE = ("shared.aspects", "shared.language")
_SERVING = (
    *(*_EDGE, *_LANGUAGE, "shared.index", "shared.pictures", "shared.runtime", "shared.serving"),
)
PICTURE_MODEL = "models/pictures"
"""Folder of the picture model, in the repository and beside the code of a function."""
_PICTURE_FILES = (f"{PICTURE_MODEL}/model.onnx", f"{PICTURE_MODEL}/manifest.json")


@dataclass(frozen=True, kw_only=True)
class Asset:
    """The deployment package of one function."""

    packages: tuple[str, ...]
    """First-party packages, each without its subpackages."""
    kind: Literal["zip", "image"] = "zip"
    """How it is deployed."""
    image: str = ""
    """Name of its image; functions with the same name share it, each with its own command."""
    fits_zip: bool = True
    """Whether it also fits into a zip; a zip can start from a snapshot (SnapStart)."""
    modules_by_path: tuple[str, ...] = ()
    """Modules that are loaded by path instead of being imported: Alembic's migrations."""
    files: tuple[str, ...] = ()
    """Files that belong to no package."""


def _serving(package: str) -> Asset:
    return Asset(
        packages=(*_SERVING, package),
        kind="image",
        image="serving",
        fits_zip=False,
        files=_PICTURE_FILES,
    )


ASSETS: dict[str, Asset] = {
    "collection": Asset(
        packages=(
            *(*_EDGE, *_DATABASE, "shared.db.ingest", "shared.duplicates", "shared.statistics"),
            *(*_LANGUAGE, "lambdas.collection", "lambdas.collection.reading"),
            *("lambdas.collection.bulk", "lambdas.collection.exclude"),
            "lambdas.collection.reading.formats",
            "lambdas.collection.undo",
        ),
    ),
    "image_fetch": Asset(
        packages=(
            *("lambdas", "lambdas.image_fetch", "shared", "shared.observability"),
            *("shared.pictures", "shared.schemas", "shared.settings"),
        ),
    ),
    "inference": _serving("lambdas.inference"),
    "insights": Asset(
        packages=(
            *(*_EDGE, *_DATABASE, "shared.db.ingest", "shared.statistics", "lambdas.insights"),
        ),
    ),
    "migrations": Asset(
        packages=(
            *("lambdas", "lambdas.migrations", "shared", "shared.db", "shared.db.migrations"),
            *("shared.observability", "shared.settings", "shared.storage"),
        ),
        modules_by_path=("shared.db.migrations.env", "shared.db.migrations.versions"),
    ),
    "processing": Asset(
        packages=(
            *(*_EDGE, *_DATABASE, *_LANGUAGE, "shared.db.ingest", "shared.duplicates"),
            *("shared.runtime", "shared.scoring", "shared.statistics", "lambdas.processing"),
        ),
        kind="image",
        image="processing",
        fits_zip=False,
    ),
    "promotion": Asset(
        packages=(
            *("lambdas", "lambdas.promotion", "shared", "shared.db", "shared.observability"),
            *("shared.schemas", "shared.settings", "shared.storage"),
        ),
    ),
    "retrieval": _serving("lambdas.retrieval"),
    "review_pictures": _serving("lambdas.review_pictures"),
    "training": Asset(packages=(*_EDGE, "shared.db", "lambdas.training")),
}
"""Function → its deployment package. Sizes are in docs/packaging.md."""
IMAGES = frozenset(name for name, asset in ASSETS.items() if asset.kind == "image")
"""The functions that are deployed as images."""


def handler_of(name: str) -> str:
    """The handler that Lambda calls, both in a zip and in an image.

    Raises:
        LookupError: there is no such function.
    """
    asset_of(name)
    return f"lambdas.{name}.handler.handler"


def functions_of(image: str) -> list[str]:
    """The functions that an image contains.

    Raises:
        LookupError: there is no such image.
    """
    names = [name for name, asset in ASSETS.items() if asset.image == image]
    if not names:
        raise LookupError(f"no function is deployed as image {image!r}")
    return names


def sources_of(*names: str) -> list[Path]:
    """The first-party files that these functions ship, sorted, relative to the repository."""
    return sorted({path for name in names for path in _asset_sources(asset_of(name))})


def requirements_of(*names: str) -> list[str]:
    """The requirements of these functions: a pinned line with hashes for each distribution."""
    lines = {
        line
        for name in names
        for line in (ROOT / "lambdas" / name / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    return sorted(lines)


def asset_of(name: str) -> Asset:
    """The table's entry for a function.

    Raises:
        LookupError: there is no such function.
    """
    if name not in ASSETS:
        raise LookupError(f"there is no function {name!r}; known are {', '.join(ASSETS)}")
    return ASSETS[name]


def _asset_sources(asset: Asset) -> Iterator[Path]:
    for package in asset.packages:
        yield from _folder_sources(ROOT.joinpath(*package.split(".")))
    yield from map(Path, asset.files)
    for module in asset.modules_by_path:
        path = ROOT.joinpath(*module.split("."))
        if path.is_dir():
            yield from _folder_sources(path)
        else:
            yield path.with_suffix(".py").relative_to(ROOT)


def _folder_sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file() and path.suffix in SHIPPED_SUFFIXES:
            yield path.relative_to(ROOT)
