"""Dumps to upload: files, their keys and their mappings."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalStackError
from shared.schemas.review import MAPPING_FIELDS, MAPPING_OPTIONS
from shared.storage.layout import MAPPING_NAME, UPLOADS, is_mapping


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to upload; ``mapping`` is the content of its ``<key>.mapping.json``, if any."""

    path: Path
    key: str
    mapping: bytes | None

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.path.stat().st_size


def parse_mapping(text: str) -> dict[str, str]:
    """Parse a mapping such as ``text=Opinion,rating=Grade``.

    Raises:
        LocalStackError: a part is not ``field=column``, or its field does not exist.
    """
    mapping: dict[str, str] = {}
    for part in text.split(","):
        field, equals, column = (piece.strip() for piece in part.partition("="))
        if not (equals and column) or field not in (*MAPPING_FIELDS, *MAPPING_OPTIONS):
            fields = ", ".join((*MAPPING_FIELDS, *MAPPING_OPTIONS))
            message = f"--map: {part.strip()!r} must have the form field=column; fields: {fields}."
            raise LocalStackError(message, exit_code=2)
        mapping[field] = column
    return mapping


def plan_uploads(
    paths: Sequence[Path], *, prefix: str = "", mapping: Mapping[str, str] | None = None
) -> list[Upload]:
    """Plan the upload of files and of the contents of folders, except hidden files.

    Mapping files are not dumps, even if listed as paths (``samples/*``). A mapping next to a file
    (``<file>.mapping.json``, else ``mapping.json``) is uploaded with it, unless ``mapping`` is
    given, which then applies to all files.

    Raises:
        LocalStackError: a path is missing or cannot be read, two files would have the same key, or
            there is nothing to upload.
    """
    plan: dict[str, Upload] = {}
    folder = UPLOADS + (f"{prefix.strip('/')}/" if prefix.strip("/") else "")
    common_mapping = json.dumps(dict(mapping)).encode() if mapping else None
    for path, name in _files(paths):
        key = folder + name
        if key in plan:
            other = plan[key].path
            message = f"{path} and {other} have the same key {key}: upload one with --prefix."
            raise LocalStackError(message, exit_code=2)
        plan[key] = Upload(path, key, common_mapping or _adjacent_mapping(path))
    if not plan:
        raise LocalStackError("There are no files to ingest.", exit_code=2)
    return list(plan.values())


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Dumps and their names below the upload folder."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                name = file.relative_to(path).as_posix()
                is_hidden = any(part.startswith(".") for part in name.split("/"))
                if file.is_file() and not is_hidden and not is_mapping(name):
                    yield _check_readable(file), name
        elif not is_mapping(_check_readable(path).name):
            yield path, path.name


def _check_readable(path: Path) -> Path:
    if not path.is_file():
        raise LocalStackError(f"{path} does not exist.", exit_code=2)
    if not os.access(path, os.R_OK):
        raise LocalStackError(f"{path} is not readable.", exit_code=2)
    return path


def _adjacent_mapping(path: Path) -> bytes | None:
    own, shared = path.with_name(f"{path.name}.{MAPPING_NAME}"), path.with_name(MAPPING_NAME)
    for candidate in (own, shared):
        if candidate.is_file():
            return candidate.read_bytes()
    return None
