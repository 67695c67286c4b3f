"""What each function ships, in one table.

``ASSETS`` lists our packages one by one: a package includes the modules of its own folder, but not
the packages below it. tests/infra/test_assets.py follows the imports of every handler and checks
that the table holds everything they need and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cdk.paths import ROOT

ZIP_LIMIT_BYTES = 250 * 2**20
"""Largest function that Lambda takes as a zip, unpacked and with its layers."""

SHIPPED = frozenset({".py", ".pem", ".lexicon"})
"""Files of a package that run with it: modules, certificates, the lexicon of aspects."""

_EDGE = (
    *("lambdas", "shared", "shared.http", "shared.observability", "shared.schemas"),
    *("shared.settings", "shared.storage"),
)
_DATABASE = ("shared.db", "shared.db.aspects", "shared.db.duplicates", "shared.db.insights")
_SERVING = (*_EDGE, "shared.index", "shared.runtime", "shared.serving")


@dataclass(frozen=True, kw_only=True)
class Asset:
    """What one function ships."""

    packages: tuple[str, ...]
    """Packages of ours, each without those below it."""
    kind: Literal["zip", "image"] = "zip"
    """How it is deployed."""
    image: str = ""
    """Name of its image; functions that name the same one share it, each with its own command."""
    as_zip: bool = True
    """Whether it fits into a zip, too; a zip may start from a snapshot (SnapStart)."""
    by_path: tuple[str, ...] = ()
    """Modules that are read by their path and imported nowhere: Alembic's migrations."""


ASSETS: dict[str, Asset] = {
    "collection": Asset(
        packages=(
            *(*_EDGE, *_DATABASE, "shared.db.ingest", "shared.duplicates", "shared.statistics"),
            *("lambdas.collection", "lambdas.collection.reading"),
            "lambdas.collection.reading.formats",
        ),
    ),
    "inference": Asset(packages=(*_SERVING, "lambdas.inference"), kind="image", image="serving"),
    "insights": Asset(
        packages=(*_EDGE, *_DATABASE, "shared.statistics", "lambdas.insights"),
    ),
    "migrations": Asset(
        packages=(
            *("lambdas", "lambdas.migrations", "shared", "shared.db", "shared.db.migrations"),
            *("shared.observability", "shared.settings", "shared.storage"),
        ),
        by_path=("shared.db.migrations.env", "shared.db.migrations.versions"),
    ),
    "processing": Asset(
        packages=(
            *(*_EDGE, *_DATABASE, "shared.aspects", "shared.db.ingest", "shared.duplicates"),
            *("shared.runtime", "shared.scoring", "shared.statistics", "lambdas.processing"),
        ),
        kind="image",
        image="processing",
        as_zip=False,
    ),
    "promotion": Asset(
        packages=(
            *("lambdas", "lambdas.promotion", "shared", "shared.db", "shared.observability"),
            *("shared.schemas", "shared.settings", "shared.storage"),
        ),
    ),
    "retrieval": Asset(
        packages=(*_SERVING, "lambdas.retrieval"), kind="image", image="serving", as_zip=False
    ),
    "training": Asset(packages=(*_EDGE, "shared.db", "lambdas.training")),
}
"""Function → what it ships. Sizes are in docs/packaging.md."""
IMAGES = frozenset(name for name, asset in ASSETS.items() if asset.kind == "image")
"""The functions that are deployed as images."""


def handler_of(name: str) -> str:
    """What Lambda calls, in a zip and in an image alike."""
    asset_of(name)
    return f"lambdas.{name}.handler.handler"


def functions_of(image: str) -> list[str]:
    """The functions that an image holds.

    Raises:
        LookupError: there is no such image.
    """
    found = [name for name, asset in ASSETS.items() if asset.image == image]
    if not found:
        raise LookupError(f"no function ships as image {image!r}")
    return found


def sources_of(*names: str) -> list[Path]:
    """The files of ours that these functions ship, below the repository's root, in order."""
    found = {path for name in names for path in _sources(asset_of(name))}
    return sorted(found)


def requirements_of(*names: str) -> list[str]:
    """What pip installs for these functions: one pinned line with its hashes per distribution."""
    lines = {
        line
        for name in names
        for line in (ROOT / "lambdas" / name / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    return sorted(lines)


def asset_of(name: str) -> Asset:
    """What a function ships.

    Raises:
        LookupError: there is no such function.
    """
    if name not in ASSETS:
        raise LookupError(f"no function is called {name!r}; there are {', '.join(ASSETS)}")
    return ASSETS[name]


def _sources(asset: Asset) -> Iterator[Path]:
    for package in asset.packages:
        yield from _shipped(ROOT.joinpath(*package.split(".")))
    for module in asset.by_path:
        place = ROOT.joinpath(*module.split("."))
        if place.is_dir():
            yield from _shipped(place)
        else:
            yield place.with_suffix(".py").relative_to(ROOT)


def _shipped(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file() and path.suffix in SHIPPED:
            yield path.relative_to(ROOT)
