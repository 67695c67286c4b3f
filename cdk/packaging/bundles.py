"""Bundles and build contexts: our files and the pinned wheels, the same bytes each time.

This module needs the standard library and pip alone, no CDK.
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
"""Where bundles and contexts are made; git ignores it."""
PYTHON = "3.12"
GLIBC_MINORS = (34, 28, 27, 24, 17)
"""manylinux_2_<minor> that Amazon Linux 2023 (glibc 2.34) loads and wheels are made for."""
_RECIPE = "2"
"""Part of every hash: raise it when bundles come out otherwise for the same input."""
_DATE = (1980, 1, 1, 0, 0, 0)
_DROPPED = frozenset({"__pycache__", "bin", "tests", "test", "include"})
"""Folders of wheels that no function reads; of pyarrow and numpy they are a good part."""
_UNUSED = ("pyarrow/*flight*",)
"""Arrow Flight, which nothing here loads: a fifth of pyarrow."""
_NOTES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""What pip notes of an installation; it tells of this machine."""


def platforms(machine: str = "x86_64") -> list[str]:
    """Tags of the wheels that Lambda's Python loads, best first."""
    newer = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    return [*newer, f"manylinux2014_{machine}"]


def bundle_hash(name: str) -> str:
    """Hex SHA-256 over all that decides the bytes of a function's zip."""
    return _fingerprint(_inputs(name), [_RECIPE, PYTHON, *platforms(), *sorted(_DROPPED), *_UNUSED])


def bundle_path(name: str) -> Path:
    """Where the zip of the present sources lies, once it is made."""
    return BUILD / "bundles" / f"{name}-{bundle_hash(name)[:16]}.zip"


def bundle(name: str) -> Path:
    """Make the zip of a function where it is not there yet, in place of older ones.

    Raises:
        subprocess.CalledProcessError: pip cannot get a wheel; it has said why.
    """
    path = bundle_path(name)
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        folder = Path(place) / "function"
        install(requirements_of(name), folder)
        for source in sources_of(name):
            _copy(ROOT / source, folder / source)
        made = Path(place) / "made.zip"
        write_zip(folder, made)
        made.replace(path)
    for older in path.parent.glob(f"{name}-*.zip"):
        if older != path:
            older.unlink()
    return path


def install(requirements: Sequence[str], folder: Path) -> None:
    """Unpack wheels for Lambda into a folder, without what no function reads.

    Args:
        requirements: pinned lines; nothing beside them is installed.
        folder: is made; must be empty.

    Raises:
        subprocess.CalledProcessError: pip cannot get a wheel; it has said why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if requirements:
        with tempfile.TemporaryDirectory() as place:
            listed = Path(place) / "requirements.txt"
            listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
            subprocess.run(pip_command(listed, folder), check=True, stdout=sys.stderr)  # noqa: S603
    for found in sorted(folder.rglob("*"), reverse=True):
        if found.is_dir() and found.name in _DROPPED:
            shutil.rmtree(found)
        elif found.name in _NOTES and found.parent.suffix == ".dist-info":
            found.unlink()
    for pattern in _UNUSED:
        for unused in folder.glob(pattern):
            unused.unlink()


def pip_command(requirements: Path, folder: Path) -> list[str]:
    """How pip installs for Lambda: wheels alone, nothing but what is listed, no compiling."""
    wanted = [part for tag in platforms() for part in ("--platform", tag)]
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--ignore-installed"),
        *("--implementation", "cp", "--python-version", PYTHON, *wanted),
        *("--target", str(folder), "--requirement", str(requirements)),
    ]


def write_zip(folder: Path, path: Path) -> None:
    """Zip a folder: sorted names, one date, one mode for each kind, whatever the machine."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for found in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = found.relative_to(folder).as_posix()
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on which alone modes mean something
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, found.read_bytes())


def stage(label: str, files: Mapping[str, bytes]) -> Path:
    """A folder below build/ with exactly these files, the same path for the same content."""
    digest = _fingerprint(files, [_RECIPE])
    folder = BUILD / "contexts" / f"{label}-{digest[:16]}"
    if folder.is_dir() and _fingerprint(_files_of(folder), [_RECIPE]) == digest:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    for name, content in files.items():
        place = made / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for path in (made, *made.rglob("*")):  # an image's user without rights must read them
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        made.replace(folder)
    except OSError:  # another synthesis was faster, with the same content
        shutil.rmtree(made)
    return folder


def _inputs(name: str) -> dict[str, bytes]:
    files = {str(source): (ROOT / source).read_bytes() for source in sources_of(name)}
    return files | {"requirements.txt": "\n".join(requirements_of(name)).encode()}


def _fingerprint(files: Mapping[str, bytes], more: Sequence[str]) -> str:
    parts = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    told = json.dumps([sorted(parts.items()), list(more)])
    return hashlib.sha256(told.encode()).hexdigest()


def _files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
