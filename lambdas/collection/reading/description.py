"""Describes an archive by its members."""

from typing import Any

from lambdas.collection.reading.agreement import Agreement
from lambdas.collection.reading.options import Profile
from shared.errors import IngestError

_MAX_NAMES = 20
_MAX_WARNINGS = 200
_MAX_DETAIL = 300


class Description:
    """Profile and warnings of an archive, which grow member by member.

    ``profile.details["members"]`` has an entry for each member: its file, format, encoding,
    dump_schema and counts, or its error.
    """

    def __init__(self, compression: str) -> None:
        self.profile = Profile("unknown", compression, "", "unknown")
        self.members: list[dict[str, Any]] = []
        self.profile.details["members"] = self.members
        self._agreement = Agreement()
        self._failures: list[str] = []
        self._warnings: dict[str, list[str]] = {}
        """Warnings of members, with the members that they are about."""

    def warnings(self, own: list[str], skipped: list[str]) -> list[str]:
        """What a user should know.

        Args:
            own: warnings about the archive itself.
            skipped: names of the members that are no dumps.
        """
        warnings = [*own, *self._failures]
        if skipped:
            warnings.append(f"not read: {_listed(skipped)}")
        warnings += [f"{_listed(files)}: {warning}" for warning, files in self._warnings.items()]
        if len(warnings) > _MAX_WARNINGS:
            return [*warnings[:_MAX_WARNINGS], f"{len(warnings) - _MAX_WARNINGS} more warnings"]
        return warnings

    def begin(self, file: str) -> dict[str, Any]:
        """The entry of the next member."""
        entry: dict[str, Any] = {"file": file}
        self.members.append(entry)
        return entry

    def open(self, entry: dict[str, Any], profile: Profile) -> None:
        """Describe a member that can be read."""
        entry |= {"rows_read": 0, "rejected": 0}
        if self._agreement.start_member():
            self.profile.compression = profile.compression
        self.update(entry, profile)

    def update(self, entry: dict[str, Any], profile: Profile) -> None:
        """Update the entry of a member, and what all members have in common."""
        shared = {
            "format": profile.format,
            "encoding": profile.encoding,
            "dump_schema": profile.dump_schema,
        }
        entry |= {**shared, **profile.details}
        for field, value in shared.items():
            setattr(self.profile, field, value if self._agreement.holds(field, value) else "mixed")
        for key, detail in profile.details.items():
            if self._agreement.holds(key, detail):
                self.profile.details[key] = detail
            else:
                self.profile.details.pop(key, None)

    def warn(self, entry: dict[str, Any], warnings: list[str]) -> None:
        """Add the warnings of a member; one that several members have is listed once."""
        for warning in warnings:
            self._warnings.setdefault(warning, []).append(entry["file"])

    def fail(self, entry: dict[str, Any], error: IngestError) -> None:
        """Record why a member is not read, or not to its end."""
        detail = error.message[:_MAX_DETAIL]
        entry |= {"error": error.code, "detail": detail}
        rows = entry.setdefault("rows_read", 0)
        entry.setdefault("rejected", 0)
        extent = f"is not read after {rows} rows" if rows else "is not read"
        self._failures.append(f"{entry['file']} {extent}: {detail}")


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:100] for name in names[:_MAX_NAMES])
    return shown + (f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else "")
