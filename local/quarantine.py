"""The quarantine of a state folder: damaged files are moved there, never deleted.

Beside each file, ``<file>.reason.json`` says where it was, when it was moved and why.
"""

import json
import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.files import write_atomically

log = logging.getLogger(__name__)
_REASON_SUFFIX = ".reason.json"
_FOLDER = "quarantine"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in quarantine: its name there, the path that it had, the reason, and the time."""

    name: str
    path: str
    reason: str
    at: str


class Quarantine:
    """The quarantine folder, and a sentence for each problem that this process found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sentences: list[str] = []

    @classmethod
    def beside(cls, folder: Path) -> "Quarantine":
        """The quarantine of the state folder that another folder is in."""
        return cls(folder.with_name(_FOLDER))

    def report(self, sentence: str) -> None:
        """Note a problem, in one sentence for the terminal."""
        log.info("%s", sentence)
        self.sentences.append(sentence)

    def summary(self) -> str | None:
        """All problems that this process found, in one sentence; None if there are none."""
        if len(self.sentences) <= 1:
            return next(iter(self.sentences), None)
        return (
            f"{len(self.sentences)} problems were found in the state folder (`reviewlens status` "
            f"lists the files in quarantine); the first: {self.sentences[0]}"
        )

    def move(self, path: Path, reason: str) -> None:
        """Move a file here; its reason is written first, so that no file is here without one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = datetime.now(UTC)
        stamp = f"{now:%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}"
        target = self.folder / f"{stamp}-{path.name.removeprefix('.')}"
        entry = Entry(target.name, str(path), reason, now.isoformat(timespec="microseconds"))
        body = json.dumps(asdict(entry), indent=1).encode()
        write_atomically(target.with_name(target.name + _REASON_SUFFIX), body, mode=0o600)
        shutil.move(path, target)

    def release(self, entry: Entry) -> None:
        """Delete a file that is stored again."""
        path = self.folder / entry.name
        path.unlink(missing_ok=True)
        path.with_name(path.name + _REASON_SUFFIX).unlink(missing_ok=True)

    def entries(self) -> Iterator[Entry]:
        """All files in quarantine, oldest first.

        Names of earlier releases have seconds only: those of one second are in any order.
        """
        # "-" sorts before ".": a name without microseconds comes first in its second
        for path in sorted(self.folder.glob(f"*{_REASON_SUFFIX}")):
            name = path.name.removesuffix(_REASON_SUFFIX)
            # a damaged reason hides no file
            entry = Entry(name, "", "its reason cannot be read", "")
            with suppress(OSError, ValueError, TypeError):
                entry = Entry(**json.loads(path.read_bytes()))
            if (self.folder / name).exists():
                yield entry
