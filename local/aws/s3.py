"""Write-through for moto's S3: an object is on disk before its PUT is answered.

moto keeps S3 in memory. Eight functions and classes of moto 5.2 are replaced, listed in ``_hooks``;
docs/decisions/0005-local-stack.md explains the decision and its alternatives. If another version of
moto lacks one of them, ``install`` fails.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from urllib.parse import quote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3 import models, notifications, responses

from local.aws.disk import DiskBuckets
from local.aws.keys import StoredKey, StoredMultipart
from shared.errors import is_full_disk

log = logging.getLogger(__name__)
_LOCK_COUNT = 64
_STORAGE_FULL = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>StorageFull</Code><Message>'
    "The disk of the stack is full. Free some space, then repeat the upload.</Message></Error>"
)
_READ_METHODS = {"GET", "HEAD", "OPTIONS"}


class _Request(threading.local):
    """Objects that this thread's request has changed so far; None outside a request."""

    dirty: dict[tuple[str, str], None] | None = None
    events: list[tuple[Any, ...]]


class WriteThrough:
    """Makes moto's S3 store its objects in a DiskBuckets."""

    def __init__(self, disk: DiskBuckets) -> None:
        self._disk = disk
        self._request = _Request()
        self._originals: list[tuple[Any, str, Any]] = []
        self._locks = [threading.RLock() for _ in range(_LOCK_COUNT)]
        self._buckets_lock = threading.Lock()

    def install(self) -> None:
        """Install the hooks; call before moto's server starts.

        Raises:
            RuntimeError: another server of this process has installed its own. The hooks are
                global: each server would write the objects of both.
        """
        if models.FakeKey is StoredKey:
            raise RuntimeError("only one LocalAws can run in a process: stop the other one first")
        StoredKey.disk = self._disk
        for owner, name, hook in self._hooks():
            self._originals.append((owner, name, getattr(owner, name)))
            setattr(owner, name, hook)

    def uninstall(self) -> None:
        """Remove the hooks (tests share one process)."""
        while self._originals:
            setattr(*self._originals.pop())

    def load(self) -> int:
        """Load every object on disk into moto; returns their number."""
        count = 0
        for attributes in self._disk.buckets():
            bucket = _backend().create_bucket(attributes["name"], attributes["region"])
            for record in self._disk.objects(attributes["name"]):
                self._restore(bucket, record)
                count += 1
        return count

    def _hooks(self) -> list[tuple[Any, str, Any]]:
        # private methods are hooked because they see every change before the response is built
        return [
            (models, "FakeKey", StoredKey),
            (models, "FakeMultipart", StoredMultipart),
            (models.S3Backend, "put_object", self._recording_changes(models.S3Backend.put_object)),
            (
                models.S3Backend,
                "delete_object",
                self._recording_changes(models.S3Backend.delete_object),
            ),
            (
                responses.S3Response,
                "_key_response",
                self._writing_through(responses.S3Response._key_response, keyed=True),  # noqa: SLF001
            ),
            (
                responses.S3Response,
                "_bucket_response",
                self._writing_through(responses.S3Response._bucket_response, keyed=False),  # noqa: SLF001
            ),
            (
                responses.S3Response,
                "list_objects_v2",
                _encoding_start_after(responses.S3Response.list_objects_v2),
            ),
            (notifications, "send_event", self._deferring_events(notifications.send_event)),
        ]

    def _recording_changes(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a backend method to record the key that it changes."""

        def method(backend: Any, bucket_name: str, key_name: str, *args: Any, **named: Any) -> Any:
            if self._request.dirty is not None:
                self._request.dirty[bucket_name, key_name] = None
            return original(backend, bucket_name, key_name, *args, **named)

        return method

    def _deferring_events(self, original: Callable[..., None]) -> Callable[..., None]:
        """Wrap ``send_event`` to delay events until their object is on disk."""

        def send_event(account: str, event: Any, bucket: Any, key: Any) -> None:
            if self._request.dirty is None:
                original(account, event, bucket, key)
            else:
                self._request.events.append((account, event, bucket, key))

        self._send = original
        return send_event

    def _writing_through(self, original: Callable[..., Any], *, keyed: bool) -> Callable[..., Any]:
        """Wrap a request handler to answer only when its changes are on disk."""

        def respond(response: Any, request: Any, full_url: str) -> Any:
            if request.method in _READ_METHODS:
                return original(response, request, full_url)
            bucket = response.bucket_name
            key = response.parse_key_name() if keyed else ""
            # conditional puts read, compare and write: serialise them for each key
            with (
                self._lock(bucket, key) if keyed else nullcontext(),
                self._track_request() as dirty,
            ):
                if keyed:
                    dirty[bucket, key] = None
                try:
                    return original(response, request, full_url)
                finally:
                    self._write_changes(bucket, dirty)

        return _reporting_full_disk(respond)

    def _lock(self, bucket: str, key: str) -> threading.RLock:
        return self._locks[hash((bucket, key)) % _LOCK_COUNT]

    @contextmanager
    def _track_request(self) -> Iterator[dict[tuple[str, str], None]]:
        self._request.dirty, self._request.events = {}, []
        try:
            yield self._request.dirty
        finally:
            self._request.dirty = None

    def _write_changes(self, bucket: str, dirty: dict[tuple[str, str], None]) -> None:
        self._sync_bucket(bucket)
        for changed, key in dirty:
            with self._lock(changed, key):
                self._sync_object(changed, key)
        for event in _without_duplicate_puts(self._request.events):
            self._send(*event)

    def _sync_bucket(self, name: str) -> None:
        with self._buckets_lock:
            bucket = _backend().buckets.get(name)
            if bucket is None:
                self._disk.delete_bucket(name)
            else:
                self._disk.create_bucket(name, {"region": bucket.region_name})

    def _sync_object(self, bucket_name: str, key_name: str) -> None:
        bucket = _backend().buckets.get(bucket_name)
        key = bucket and bucket.keys.get(key_name)
        try:
            if isinstance(key, StoredKey):
                tags = _backend().tagger.get_tag_dict_for_resource(key.arn)
                self._disk.commit(bucket_name, key_name, key.blob, key.describe(tags))
            elif bucket is not None:
                self._disk.remove(bucket_name, key_name)
        except OSError:
            log.exception("object %s in bucket %s was not written", key_name, bucket_name)
            self._roll_back(bucket, key_name)
            raise

    def _roll_back(self, bucket: Any, key_name: str) -> None:
        """Restore the object in memory from disk: the request fails and the old object stays."""
        if key_name in bucket.keys:
            bucket.keys.pop(key_name)
        record = self._disk.read_record(bucket.name, key_name)
        if record:
            self._restore(bucket, record)

    def _restore(self, bucket: Any, record: dict[str, Any]) -> None:
        key = StoredKey.restore(record, self._disk.blob(bucket.name, record), bucket)
        bucket.keys.setlist(key.name, [key])
        if record["tags"]:
            tagger = _backend().tagger
            tagger.tag_resource(key.arn, tagger.convert_dict_to_tags_input(record["tags"]))


def _reporting_full_disk(respond: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a request handler to answer 507 on a full disk, which clients do not repeat."""

    def respond_or_report(response: Any, request: Any, full_url: str) -> Any:
        try:
            return respond(response, request, full_url)
        except OSError as error:
            if not is_full_disk(error):
                raise
            return 507, {"Content-Type": "application/xml"}, _STORAGE_FULL

    return respond_or_report


def _encoding_start_after(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap a list of keys to URL-encode ``StartAfter``: XML cannot have all characters of keys."""

    def list_objects_v2(response: Any) -> Any:
        write = response.serialized

        def write_encoded(answer: Any) -> Any:
            fields = answer.result
            if fields.get("EncodingType") == "url" and "StartAfter" in fields:
                fields["StartAfter"] = quote(fields["StartAfter"])
            return write(answer)

        response.serialized = write_encoded
        return original(response)

    return list_objects_v2


def _backend() -> Any:
    return models.s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def _without_duplicate_puts(events: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Drop the Put event that moto adds to a completed multipart upload; S3 sends one event."""
    kinds = notifications.S3NotificationEvent
    completed = {
        key.name
        for _, event, _, key in events
        if event == kinds.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT
    }
    return [
        entry
        for entry in events
        if not (entry[1] == kinds.OBJECT_CREATED_PUT_EVENT and entry[3].name in completed)
    ]
