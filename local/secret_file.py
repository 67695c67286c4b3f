"""The secrets of a state folder: ``secrets.json`` and a copy, both with file mode 0600.

Without the reviewer key every reviewer would get a new identity, and without the password the
database cannot be opened. So lost secrets are never replaced by new ones if there are data.
"""

import secrets
from collections.abc import Callable
from pathlib import Path

from local.checked import DamagedFileError, decode, encode
from local.errors import LocalStackError
from local.files import write_atomically
from local.quarantine import Quarantine

SECRETS = "secrets.json"
COPY = "secrets.copy.json"
_MODE = 0o600
_NEW: dict[str, Callable[[], str]] = {
    "reviewer_key": lambda: secrets.token_hex(32),
    "database_password": lambda: secrets.token_hex(18),
    # 20 characters, like a key of AWS: moto looks for that
    "aws_access_key_id": lambda: f"LOCAL{secrets.token_hex(8)[:15].upper()}",
    "aws_secret_access_key": lambda: secrets.token_hex(20),
    "gateway_token": lambda: secrets.token_urlsafe(32),
}
"""How each secret is generated."""


def read_secrets(root: Path, quarantine: Quarantine, *, has_data: bool) -> dict[str, str]:
    """Read the secrets of a state folder; the first call generates them.

    Args:
        root: the state folder.
        quarantine: takes a damaged file that the other one replaces.
        has_data: whether there are data that need the secrets.

    Raises:
        LocalStackError: both files are missing or damaged, and there are data.
    """
    path, copy = root / SECRETS, root / COPY
    contents = {each: _read(each) for each in (path, copy)}
    stored = contents[path] or contents[copy]
    if stored is None and has_data:
        raise LocalStackError(
            f"{path} and its copy {COPY} are missing or damaged, and without the reviewer key and "
            "the database password in them the data cannot be used: put one of them back, or "
            "restore a backup into another folder with `reviewlens restore`."
        )
    values = {name: new() for name, new in _NEW.items()}
    values |= stored or {}
    for each, content in contents.items():
        if content != values:
            _replace(each, values, quarantine, is_damaged=content is None)
    if stored is not None and contents[path] is None:
        quarantine.report(f"{path} was missing or damaged, and was restored from its copy.")
    return values


def write_secrets(root: Path, values: dict[str, str]) -> None:
    """Write the secrets of a restored state folder."""
    for name in (SECRETS, COPY):
        write_atomically(root / name, encode(values), mode=_MODE)


def _read(path: Path) -> dict[str, str] | None:
    """The secrets in a file; None if it is missing or damaged."""
    try:
        values = decode(path.read_bytes())
    except (FileNotFoundError, DamagedFileError):
        return None
    is_valid = values and all(isinstance(value, str) and value for value in values.values())
    return values if is_valid else None


def _replace(
    path: Path, values: dict[str, str], quarantine: Quarantine, *, is_damaged: bool
) -> None:
    if is_damaged and path.exists():
        quarantine.move(path, "the secrets in it are damaged")
    write_atomically(path, encode(values), mode=_MODE)
