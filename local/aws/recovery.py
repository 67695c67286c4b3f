"""Opens the buckets of an earlier run: recovers damaged records, and keeps what cannot be used.

Nothing with unknown content is deleted: damaged records, bytes whose record is lost, and bytes of
the wrong size go into quarantine. Removed are only staged bytes without a record, bytes marked as
retired, and temporary files.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from local.aws.blobs import RETIRED, Blob, file_md5
from local.aws.records import content_md5, decode_record, salvage
from local.checked import DamagedFileError, decode, encode
from local.files import write_atomically
from local.names import REGION
from local.quarantine import Quarantine

Record = dict[str, Any]
_DESCRIPTION = "bucket.json"


def recover(root: Path, staging: Path, quarantine: Quarantine) -> list[Record]:
    """Recover all buckets; returns their descriptions, sorted by name.

    Afterwards, every record on disk is valid and its bytes are in ``data`` with the right size.
    """
    root.mkdir(parents=True, exist_ok=True)
    buckets = []
    for folder in root.iterdir():
        if folder == staging or not folder.is_dir():
            continue
        loader = BucketLoader(folder, staging, quarantine)
        description = loader.describe()
        if description is None:
            shutil.rmtree(folder)  # an interrupted deletion: it has no object
        else:
            loader.recover_objects()
            buckets.append(description)
    return sorted(buckets, key=lambda bucket: str(bucket["name"]))


class BucketLoader:
    """Recovers one bucket folder."""

    def __init__(self, folder: Path, staging: Path, quarantine: Quarantine) -> None:
        self._folder, self._staging, self._quarantine = folder, staging, quarantine
        self._data, self._meta, self._copies = (folder / n for n in ("data", "meta", "copies"))
        self._name = unquote(folder.name)

    def describe(self) -> Record | None:
        """The bucket's description, written again if it is damaged; None: it was being deleted."""
        path = self._folder / _DESCRIPTION
        for temporary in self._folder.glob(f".{_DESCRIPTION}.*"):
            temporary.unlink()
        try:
            description = decode(path.read_bytes())
            if description.get("name") == self._name and description.get("region"):
                return description
            self._quarantine.move(path, "it describes another bucket")
        except DamagedFileError as error:
            self._quarantine.move(path, str(error))
        except FileNotFoundError:
            if not self._has_objects():
                return None
        description = {"region": REGION, "name": self._name}
        write_atomically(path, encode(description))
        self._quarantine.report(f"{path} was missing or damaged, and was written again.")
        return description

    def _has_objects(self) -> bool:
        data = self._data.iterdir() if self._data.is_dir() else ()
        return any(self._meta.glob("*.json")) or any(
            not path.name.endswith(RETIRED) for path in data
        )

    def recover_objects(self) -> None:
        """Recover the records of all objects, and clear up everything else."""
        for folder in (self._data, self._meta, self._copies):
            folder.mkdir(exist_ok=True)
        names = {path.stem for path in self._record_files(self._meta)}
        names |= {path.stem for path in self._record_files(self._copies)}
        used = set()
        for name in sorted(names):
            record = self._load(name)
            if record is not None:
                used.add(record["blob"])
        self._clear_data(used)

    def _record_files(self, folder: Path) -> Iterator[Path]:
        for path in folder.iterdir():
            if path.suffix == ".json" and path.is_file():
                yield path
            elif path.is_file():
                path.unlink()  # a temporary file that a kill left behind

    def _load(self, name: str) -> Record | None:
        path, copy = self._meta / f"{name}.json", self._copies / f"{name}.json"
        try:
            record = decode_record(path.read_bytes(), name)
        except FileNotFoundError:
            return self._without_record(copy)
        except DamagedFileError as error:
            return self._with_damaged_record(path, copy, error)
        if not self._has_bytes(record):
            self._quarantine_object(path, copy, record)
            return None
        if not copy.is_file():
            copy.write_bytes(path.read_bytes())
        return record

    def _without_record(self, copy: Path) -> Record | None:
        """Restore a lost record from its copy; a deletion retires the bytes first."""
        record = self._read_copy(copy)
        if record is not None and (self._data / (record["blob"] + RETIRED)).is_file():
            copy.unlink()
            return None
        if record is not None and self._has_bytes(record):
            return self._restored(record, copy.name)
        key = f"object {record['key']}" if record else "an object"
        self._quarantine.move(copy, f"the record and the bytes of {key} are missing")
        self._quarantine.report(f"Bucket {self._name} has lost {key}.")
        return None

    def _with_damaged_record(
        self, path: Path, copy: Path, error: DamagedFileError
    ) -> Record | None:
        body = path.read_bytes()
        self._quarantine.move(path, f"record of an object in bucket {self._name}: {error}")
        record = self._read_copy(copy)
        if record is not None and self._has_bytes(record):
            return self._restored(record, path.name)
        record = self._salvaged(body, path.stem)
        if record is not None:
            return self._restored(record, path.name)
        self._quarantine.report(
            f"The record of an object in bucket {self._name} was damaged ({error}) and has no "
            f"copy; its bytes are kept in {self._quarantine.folder}."
        )
        return None

    def _read_copy(self, copy: Path) -> Record | None:
        try:
            return decode_record(copy.read_bytes(), copy.stem)
        except (FileNotFoundError, DamagedFileError):
            return None

    def _salvaged(self, body: bytes, name: str) -> Record | None:
        """What a damaged record still says, if the bytes have the checksum that it names."""
        try:
            record = salvage(body, name)
        except DamagedFileError:
            return None
        path = self._data / record["blob"]
        if not path.is_file():
            return None
        record["size"] = path.stat().st_size
        checksum = file_md5(Blob(path, size=record["size"], staged=False, md5=None).open())
        return record | {"content_md5": checksum} if checksum == content_md5(record) else None

    def _restored(self, record: Record, name: str) -> Record:
        write_atomically(self._meta / name, encode(record))
        (self._copies / name).write_bytes(encode(record))
        self._quarantine.report(
            f"The record of object {record['key']} in bucket {self._name} was damaged or missing, "
            "and was restored."
        )
        return record

    def _has_bytes(self, record: Record) -> bool:
        """Whether the bytes are complete; a kill may have left them staged or marked as retired."""
        path = self._data / record["blob"]
        for place in (self._staging / record["blob"], path.with_name(path.name + RETIRED)):
            if not path.exists() and place.is_file():
                place.rename(path)
        return path.is_file() and bool(path.stat().st_size == record["size"])

    def _quarantine_object(self, path: Path, copy: Path, record: Record) -> None:
        data, label = self._data / record["blob"], f"object {record['key']}"
        size = data.stat().st_size if data.is_file() else 0
        reason = f"{label} in bucket {self._name} has {size} of {record['size']} bytes"
        for each in (path, copy, data):
            if each.is_file():
                self._quarantine.move(each, reason)
        self._quarantine.report(f"{reason[0].upper()}{reason[1:]}, and was put into quarantine.")

    def _clear_data(self, used: set[str]) -> None:
        """Remove retired bytes, and put bytes without a record into quarantine."""
        lost = 0
        for path in self._data.iterdir():
            if path.name.endswith(RETIRED):
                path.unlink()
            elif path.name not in used:
                self._quarantine.move(path, f"no object in bucket {self._name} has these bytes")
                lost += 1
        if lost:
            self._quarantine.report(
                f"Bucket {self._name} had {lost} files without a record; they are in quarantine."
            )
