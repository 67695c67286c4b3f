"""Reproducible bundles and build contexts: our files and the pinned wheels.

This module needs only the standard library and pip, not CDK.
"""

import hashlib
import json
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cdk.packaging.table import requirements_of, sources_of
from cdk.paths import ROOT

BUILD = ROOT / "build"
"""Folder of the bundles and build contexts; git ignores it."""
PYTHON = "3.12"
GLIBC_MINORS = (34, 28, 27, 24, 17)
"""Minor versions of the manylinux_2_<minor> tags that Amazon Linux 2023 (glibc 2.34) supports."""
_RECIPE_VERSION = "2"
"""Part of every hash: increase it when the same inputs produce a different bundle."""
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_UNUSED_FOLDERS = frozenset({"__pycache__", "bin", "tests", "test", "include"})
"""Folders of wheels that no function reads; a large part of pyarrow and numpy."""
_UNUSED_PATTERNS = ("pyarrow/*flight*", "pyarrow/*s3*.so*", "zstandard/_cffi*")
"""Arrow Flight and Arrow's own S3, a third of pyarrow, and a copy of zstandard for PyPy."""
_PIP_RECORDS = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""Files that pip writes about an installation; they depend on the machine."""


def platforms(machine: str = "x86_64") -> list[str]:
    """Platform tags of the wheels that Lambda's Python loads, preferred first."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    return [*tags, f"manylinux2014_{machine}"]


def bundle_hash(name: str) -> str:
    """Hex SHA-256 of everything that determines the bytes of a function's zip."""
    recipe = [_RECIPE_VERSION, PYTHON, *platforms(), *sorted(_UNUSED_FOLDERS), *_UNUSED_PATTERNS]
    return _fingerprint(_inputs(name), recipe)


def bundle_path(name: str) -> Path:
    """Path of the zip for the current sources, which may not exist yet."""
    return BUILD / "bundles" / f"{name}-{bundle_hash(name)[:16]}.zip"


def bundle(name: str) -> Path:
    """Build the zip of a function unless it exists, and remove its older zips.

    Raises:
        subprocess.CalledProcessError: pip cannot get a wheel; its output has the reason.
    """
    path = bundle_path(name)
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
        folder = Path(temporary) / "function"
        install(requirements_of(name), folder)
        for source in sources_of(name):
            _copy(ROOT / source, folder / source)
        archive = Path(temporary) / "function.zip"
        write_zip(folder, archive)
        archive.replace(path)
    for older in path.parent.glob(f"{name}-*.zip"):
        if older != path:
            older.unlink()
    return path


def install(requirements: Sequence[str], folder: Path) -> None:
    """Install wheels for Lambda into a folder, without the files that no function reads.

    Args:
        requirements: pinned lines; their dependencies are not installed.
        folder: is created if necessary; must be empty.

    Raises:
        subprocess.CalledProcessError: pip cannot get a wheel; its output has the reason.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if requirements:
        with tempfile.TemporaryDirectory() as temporary:
            file = Path(temporary) / "requirements.txt"
            file.write_text("\n".join(requirements) + "\n", encoding="utf-8")
            subprocess.run(pip_command(file, folder), check=True, stdout=sys.stderr)  # noqa: S603
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and path.name in _UNUSED_FOLDERS:
            shutil.rmtree(path)
        elif path.name in _PIP_RECORDS and path.parent.suffix == ".dist-info":
            path.unlink()
    for pattern in _UNUSED_PATTERNS:
        for unused in folder.glob(pattern):
            unused.unlink()


def pip_command(requirements: Path, folder: Path) -> list[str]:
    """The pip command for Lambda: only wheels, no dependencies, no bytecode."""
    platform_options = [part for tag in platforms() for part in ("--platform", tag)]
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--ignore-installed"),
        *("--implementation", "cp", "--python-version", PYTHON, *platform_options),
        *("--target", str(folder), "--requirement", str(requirements)),
    ]


def write_zip(folder: Path, path: Path) -> None:
    """Zip a folder reproducibly: sorted names, one date and one file mode."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: only then is the mode used
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, file.read_bytes())


def stage_context(label: str, files: Mapping[str, bytes]) -> Path:
    """A folder in build/ with exactly these files; the same content has the same path."""
    digest = _fingerprint(files, [_RECIPE_VERSION])
    folder = BUILD / "contexts" / f"{label}-{digest[:16]}"
    if folder.is_dir() and _fingerprint(_read_files(folder), [_RECIPE_VERSION]) == digest:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent))
    for name, content in files.items():
        target = temporary / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for path in (temporary, *temporary.rglob("*")):  # readable by the image's unprivileged user
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        temporary.replace(folder)
    except OSError:  # a concurrent synthesis has created it, with the same content
        shutil.rmtree(temporary)
    return folder


def _inputs(name: str) -> dict[str, bytes]:
    files = {str(source): (ROOT / source).read_bytes() for source in sources_of(name)}
    return files | {"requirements.txt": "\n".join(requirements_of(name)).encode()}


def _fingerprint(files: Mapping[str, bytes], recipe: Sequence[str]) -> str:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    text = json.dumps([sorted(digests.items()), list(recipe)])
    return hashlib.sha256(text.encode()).hexdigest()


def _read_files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
