"""What each function ships: one table, and what CDK hands to Lambda for it.

``ASSETS`` lists packages of ours one by one: a package brings the modules of its own folder, and
no package below it. tests/infra/test_assets.py walks the imports of every handler and proves that
the table has what is needed and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aws_cdk import aws_ecr, aws_lambda

ROOT = Path(__file__).resolve().parents[1]
ZIP_LIMIT_BYTES = 250 * 2**20
"""Largest function that Lambda takes as a zip, unpacked and with its layers."""

SHIPPED = frozenset({".py", ".pem", ".lexicon"})
"""Files of a package that run with it: modules, certificates, the lexicon of aspects."""

_EDGE = (
    *("lambdas", "shared", "shared.http", "shared.observability", "shared.schemas"),
    *("shared.settings", "shared.storage"),
)
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
            *(*_EDGE, "shared.db", "shared.duplicates", "shared.statistics", "lambdas.collection"),
            *("lambdas.collection.reading", "lambdas.collection.reading.formats"),
        ),
    ),
    "inference": Asset(packages=(*_SERVING, "lambdas.inference"), kind="image", image="serving"),
    "insights": Asset(packages=(*_EDGE, "shared.db", "shared.statistics", "lambdas.insights")),
    "migrations": Asset(
        packages=(
            *("lambdas", "lambdas.migrations", "shared", "shared.db", "shared.db.migrations"),
            *("shared.observability", "shared.settings", "shared.storage"),
        ),
        by_path=("shared.db.migrations.env", "shared.db.migrations.versions"),
    ),
    "processing": Asset(
        packages=(
            *(*_EDGE, "shared.aspects", "shared.db", "shared.duplicates", "shared.runtime"),
            *("shared.statistics", "lambdas.processing"),
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
    _known(name)
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
    found = {path for name in names for path in _sources(_known(name))}
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


def code_for(name: str) -> "aws_lambda.Code":
    """The zip of a function, for ``aws_lambda.Function(code=…, handler=handler_of(name))``.

    Synthesis needs neither network nor Docker: where no bundle lies below build/, the CDK command
    line makes it when it deploys (cdk/bundled_code.py).

    Raises:
        LookupError: there is no such function, or it does not fit into a zip.
    """
    from cdk.bundled_code import BundledCode

    if not _known(name).as_zip:
        raise LookupError(f"{name} does not fit into a zip: use image_for")
    return BundledCode(name)


def image_for(
    name: str, *, repository: "aws_ecr.IRepository | None" = None, digest: str = ""
) -> "aws_lambda.DockerImageCode":
    """The image of a function, for ``aws_lambda.DockerImageFunction(code=…)``.

    Args:
        name: the function; its image may hold others, and the command says which one runs.
        repository: where a built image lies that is to be promoted as it is.
        digest: ``sha256:…`` of that image. Without one, CDK builds the image from its context.

    Raises:
        LookupError: there is no such function, or it ships as a zip.
    """
    from aws_cdk import aws_ecr_assets, aws_lambda

    from cdk.images import build_args, context_of

    asset = _known(name)
    if not asset.image:
        raise LookupError(f"{name} is no image: use code_for")
    command = [handler_of(name)]
    if repository is not None and digest:
        return aws_lambda.DockerImageCode.from_ecr(repository, tag_or_digest=digest, cmd=command)
    return aws_lambda.DockerImageCode.from_image_asset(
        str(context_of(asset.image)),
        cmd=command,
        asset_name=f"reviewlens-{asset.image}",
        build_args=build_args(asset.image),
        platform=aws_ecr_assets.Platform.LINUX_AMD64,
    )


def _known(name: str) -> Asset:
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
