"""Buckets on disk, without moto."""

import threading
import time
from collections import deque
from contextlib import suppress

from local.aws import disk
from local.aws.disk import DiskBuckets


class RacingDeque(deque):
    """Lets two threads read the same first entry before either continues."""

    def __init__(self, entries):
        super().__init__(entries)
        self._both = threading.Barrier(2)

    def __getitem__(self, index):
        entry = super().__getitem__(index)
        with suppress(threading.BrokenBarrierError):
            self._both.wait(0.3)
        return entry


def test_concurrent_replacements_remove_only_expired_bytes(tmp_path):
    buckets = DiskBuckets(tmp_path / "s3")
    old, *new = (tmp_path / name for name in ("old", "first", "second"))
    for path in (old, *new):
        path.write_text("x")
    long_ago = time.monotonic() - disk._RETENTION_SECONDS - 1
    buckets._retired = RacingDeque([(long_ago, old)])
    threads = [threading.Thread(target=buckets._retire, args=(path,)) for path in new]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not old.exists()
    assert all(path.exists() for path in new)


def test_deleted_bytes_leave_the_disk_without_another_write(tmp_path, monkeypatch, eventually):
    monkeypatch.setattr(disk, "_RETENTION_SECONDS", 0.05)
    buckets = DiskBuckets(tmp_path / "s3")
    buckets.create_bucket("raw", {"region": "eu-west-1"})
    buckets.put("raw", "uploads/a.csv", b"a text")
    buckets.put("raw", "uploads/b.csv", b"a text")
    for key in ("uploads/a.csv", "uploads/b.csv"):
        buckets.remove("raw", key)
    data = tmp_path / "s3" / "raw" / "data"
    eventually(lambda: not list(data.iterdir()))
