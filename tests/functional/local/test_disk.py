"""Buckets on disk, below moto."""

import threading
import time
from collections import deque
from contextlib import suppress

from local.aws import disk
from local.aws.disk import DiskBuckets


class SlowlyRead(deque):
    """Lets two threads see the same first entry before either goes on."""

    def __init__(self, entries):
        super().__init__(entries)
        self._both = threading.Barrier(2)

    def __getitem__(self, index):
        entry = super().__getitem__(index)
        with suppress(threading.BrokenBarrierError):
            self._both.wait(0.3)
        return entry


def test_threads_that_replace_objects_at_once_remove_old_bytes_only(tmp_path):
    buckets = DiskBuckets(tmp_path / "s3")
    old, *fresh = (tmp_path / name for name in ("old", "first", "second"))
    for path in (old, *fresh):
        path.write_text("x")
    long_ago = time.monotonic() - disk._KEEP_RETIRED_SECONDS - 1
    buckets._retired = SlowlyRead([(long_ago, old)])
    threads = [threading.Thread(target=buckets._retire, args=(path,)) for path in fresh]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not old.exists()
    assert all(path.exists() for path in fresh)
